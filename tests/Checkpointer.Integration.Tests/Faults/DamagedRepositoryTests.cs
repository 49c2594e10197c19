namespace Checkpointer.Integration.Tests;

/// <summary>A changed, cut or missing object of any kind: the restore refuses, names the object and leaves nothing; nothing is repaired in secret.</summary>
public sealed class DamagedRepositoryTests(RestoreBench bench) : IClassFixture<RestoreBench>
{
    /// <summary>The folder or file of the object, what happens to it, and the code of the error.</summary>
    public static TheoryData<string, string, string> Damages => new()
    {
        { "repository.json", "flip", "repository-damaged" },
        { "keys", "flip", "repository-damaged" },
        { "packs", "flip", "repository-damaged" },
        { "maps", "flip", "repository-damaged" },
        { "snapshots", "flip", "repository-damaged" },
        { "packs", "truncate", "repository-damaged" },
        { "maps", "truncate", "repository-damaged" },
        { "snapshots", "truncate", "repository-damaged" },
        { "packs", "remove", "repository-damaged" },
        { "maps", "remove", "repository-damaged" },
        { "snapshots", "remove", "snapshot-not-found" },
        { "repository.json", "remove", "repository-not-found" },
    };

    [Theory]
    [MemberData(nameof(Damages))]
    public async Task A_damaged_object_is_refused_and_named(string kind, string damage, string code)
    {
        await bench.TakeAsync();
        var path = ObjectOf(kind);
        var sound = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
        Apply(path, sound, damage);

        var outcome = await bench.Lab.CheckpointerAsync("restore", bench.Snapshot, "--embedded", "--json");

        outcome.MustSay(4, code);
        Assert.DoesNotContain("could not be cleaned up", outcome.Stderr, StringComparison.Ordinal);
        if (damage != "remove" || kind is "packs" or "maps")
        {
            Assert.Contains(Path.GetFileName(path), outcome.Json.GetProperty("error").GetProperty("message").GetString()!, StringComparison.Ordinal);
        }

        await bench.MustHaveLeftNothingAsync();
        await File.WriteAllBytesAsync(path, sound, TestContext.Current.CancellationToken);
        await bench.MustStillRestoreAsync();
    }

    /// <summary>The only file of that name, or the largest file of that folder.</summary>
    private string ObjectOf(string kind)
    {
        var path = Path.Combine(bench.Lab.Repository, kind);
        return File.Exists(path) ? path : new DirectoryInfo(path).EnumerateFiles("*", SearchOption.AllDirectories).MaxBy(file => file.Length)!.FullName;
    }

    private static void Apply(string path, byte[] sound, string damage)
    {
        switch (damage)
        {
            case "flip":
                var changed = (byte[])sound.Clone();
                changed[sound.Length / 2] ^= 0x10;
                File.WriteAllBytes(path, changed);
                break;
            case "truncate":
                File.WriteAllBytes(path, sound[..(sound.Length / 2)]);
                break;
            default:
                File.Delete(path);
                break;
        }
    }
}
