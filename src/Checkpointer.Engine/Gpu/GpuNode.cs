using System.Globalization;

namespace Checkpointer.Engine.Gpu;

/// <summary>This node's GPUs, as the driver and NVML see them together.</summary>
internal sealed record GpuNode(IReadOnlyList<GpuDevice> Devices, GpuInventory Inventory, int Cuda, GpuAnswer? Failure)
{
    /// <summary>The first driver that checkpoints (r570).</summary>
    public const int CheckpointFrom = 12080;

    /// <summary>The first driver that restores on other GPUs (r580).</summary>
    public const int MapFrom = 13000;

    /// <summary>Asks both; what fails is in <see cref="Failure"/> and <see cref="GpuInventory.Error"/>.</summary>
    public static Task<GpuNode> ReadAsync(EngineServices services, GpuDriver driver, CancellationToken cancellationToken) =>
        ReadAsync(BeginInventory(services, cancellationToken), driver);

    /// <summary>Begins to ask NVML, in a process of its own, which knows nothing of the driver's.</summary>
    public static Task<GpuInventory> BeginInventory(EngineServices services, CancellationToken cancellationToken) =>
        GpuInventoryReader.ReadAsync(services.Gpu, services.Options.Gpu.NvmlLibrary, services.Time, cancellationToken);

    /// <summary>As the other, when NVML was asked before. What is measured as NVML's is what it takes longer than the driver.</summary>
    public static async Task<GpuNode> ReadAsync(Task<GpuInventory> nvml, GpuDriver driver)
    {
        var asked = AskAsync(driver);
        await ((Task)asked).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        var inventory = await driver.Clock.MeasureAsync(GpuClock.Inventory, () => nvml).ConfigureAwait(false);
        var (hello, listed) = await asked.ConfigureAwait(false);
        List<GpuDevice> devices = [.. listed.Items.Select(item => Device(item, inventory))];
        return new GpuNode(devices, inventory, Math.Max(0, hello.Number("driver")), listed.IsDone ? null : listed);
    }

    /// <summary>NVML's view of a device, or null: it does not know it, or the device is a part of a partitioned GPU.</summary>
    public GpuInfo? InfoOf(string uuid) => Inventory.Gpus.FirstOrDefault(g => g.Uuid == uuid);

    private static async Task<(GpuAnswer Hello, GpuAnswer Listed)> AskAsync(GpuDriver driver)
    {
        var hello = await driver.HelloAsync().ConfigureAwait(false);
        return (hello, hello.IsDone ? await driver.DevicesAsync().ConfigureAwait(false) : hello);
    }

    private static GpuDevice Device(IReadOnlyDictionary<string, string> item, GpuInventory inventory)
    {
        var uuid = item.GetValueOrDefault("uuid", "");
        var instance = "MIG" + uuid[Math.Min(3, uuid.Length)..];
        return new GpuDevice
        {
            Uuid = uuid,
            Name = Uri.UnescapeDataString(item.GetValueOrDefault("name", "")),
            Memory = long.TryParse(item.GetValueOrDefault("memory"), NumberStyles.None, CultureInfo.InvariantCulture, out var bytes) ? bytes : 0,
            Capability = item.GetValueOrDefault("capability", ""),
            Mig = inventory.Gpus.Any(g => g.MigDevices?.Any(m => m.Uuid == instance) == true),
        };
    }
}
