using System.Diagnostics;
using System.Globalization;

namespace Checkpointer.Testing;

/// <summary>
/// Feeds a parser with mutations of valid inputs: seeded, so that a failure can be repeated, and bounded in time. CHECKPOINTER_FUZZ_SECONDS is the time for
/// each target (default: a second and a half), CHECKPOINTER_FUZZ_SEED another seed. What the parser may throw is the target's affair: everything else that comes out
/// of it is a failure, which names seed, round and input.
/// </summary>
public sealed class Fuzzing
{
    /// <summary>Bytes that one input may make a parser allocate, beyond what the target says: exceptions, strings, small change.</summary>
    public const long DefaultAllowance = 4 << 20;

    private const int DefaultSeed = 20260101;
    private const int MaxInput = 1 << 20;

    /// <summary>One input must not take longer; far above what any takes, far below a hang.</summary>
    private static readonly TimeSpan CaseLimit = TimeSpan.FromSeconds(20);

    private static readonly uint[] Interesting = [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x20000, 0x20001, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF];

    private readonly Random _random;
    private readonly IReadOnlyList<byte[]> _corpus;

    /// <param name="corpus">Valid inputs.</param>
    public Fuzzing(params byte[][] corpus)
    {
        _corpus = corpus;
        Seed = int.TryParse(Environment.GetEnvironmentVariable("CHECKPOINTER_FUZZ_SEED"), NumberStyles.None, CultureInfo.InvariantCulture, out int seed) ? seed : DefaultSeed;
        _random = new Random(Seed);
    }

    public int Seed { get; }

    /// <summary>Bytes that one input may make the target allocate.</summary>
    public long Allowance { get; init; } = DefaultAllowance;

    /// <summary>Inputs that were tried.</summary>
    public int Rounds { get; private set; }

    private static TimeSpan Budget =>
        double.TryParse(Environment.GetEnvironmentVariable("CHECKPOINTER_FUZZ_SECONDS"), NumberStyles.Float, CultureInfo.InvariantCulture, out double seconds)
            ? TimeSpan.FromSeconds(seconds)
            : TimeSpan.FromSeconds(1.5);

    /// <summary>Runs a synchronous target until the time is over.</summary>
    public void Run(Action<byte[]> target)
    {
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < Budget)
        {
            byte[] input = Next();
            long began = Stopwatch.GetTimestamp();
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                target(input);
            }
            catch (Exception e)
            {
                throw Failed($"{e.GetType().Name}: {e.Message}", input, e);
            }

            Check(GC.GetAllocatedBytesForCurrentThread() - before, began, input);
        }
    }

    /// <summary>As the other; the bytes that all threads allocate are counted, so nothing else may run meanwhile.</summary>
    public async Task RunAsync(Func<byte[], Task> target)
    {
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < Budget)
        {
            byte[] input = Next();
            long began = Stopwatch.GetTimestamp();
            long before = GC.GetTotalAllocatedBytes();
            try
            {
                await target(input).WaitAsync(CaseLimit).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                throw Failed($"{e.GetType().Name}: {e.Message}", input, e);
            }

            Check(GC.GetTotalAllocatedBytes() - before, began, input);
        }
    }

    /// <summary>A mutation of one of the inputs; every sixteenth is one as it is.</summary>
    public byte[] Next()
    {
        Rounds++;
        List<byte> data = [.. _corpus[_random.Next(_corpus.Count)]];
        if (_random.Next(16) != 0)
        {
            for (int n = _random.Next(1, 6); n > 0; n--)
            {
                Mutate(data);
            }
        }

        return data.Count <= MaxInput ? [.. data] : [.. data.Take(MaxInput)];
    }

    private void Mutate(List<byte> data)
    {
        int at = data.Count == 0 ? 0 : _random.Next(data.Count);
        switch (_random.Next(10))
        {
            case 0 or 1 when data.Count > 0:
                data[at] ^= (byte)(1 << _random.Next(8));
                break;
            case 2 when data.Count > 0:
                data[at] = (byte)_random.Next(256);
                break;
            case 3:
                data.RemoveRange(at, data.Count - at);
                break;
            case 4:
                data.RemoveRange(at, Math.Min(_random.Next(1, 64), data.Count - at));
                break;
            case 5:
                byte[] noise = new byte[_random.Next(1, 64)];
                _random.NextBytes(noise);
                data.InsertRange(at, noise);
                break;
            case 6 when data.Count > 4:
                // A length, an offset or a count: as it stands in binary, or as digits.
                uint number = _random.Next(3) == 0 ? (uint)data.Count + (uint)_random.Next(-2, 3) : Interesting[_random.Next(Interesting.Length)];
                Overwrite(data, at, _random.Next(2) == 0 ? BitConverter.GetBytes(number) : BitConverter.GetBytes((ulong)number << (_random.Next(2) * 16)));
                break;
            case 7:
                byte[] digits = System.Text.Encoding.ASCII.GetBytes(Numbers[_random.Next(Numbers.Length)]);
                int digit = data.FindIndex(at, static b => b is >= (byte)'0' and <= (byte)'9');
                if (digit >= 0)
                {
                    data.RemoveAt(digit);
                    data.InsertRange(digit, digits);
                }

                break;
            case 8:
                byte[] other = _corpus[_random.Next(_corpus.Count)];
                int from = _random.Next(Math.Max(1, other.Length));
                data.InsertRange(at, other.Skip(from).Take(_random.Next(1, 256)));
                break;
            default:
                data.InsertRange(at, [.. data.Skip(at).Take(_random.Next(1, 256))]);
                break;
        }
    }

    private static readonly string[] Numbers =
        ["-1", "0", "1e400", "2147483647", "2147483648", "4294967296", "9223372036854775807", "9223372036854775808", "18446744073709551616", "null", "\"x\"", "[]", "{}", "1.5"];

    private static void Overwrite(List<byte> data, int at, byte[] bytes)
    {
        for (int i = 0; i < bytes.Length && at + i < data.Count; i++)
        {
            data[at + i] = bytes[i];
        }
    }

    private void Check(long allocated, long began, byte[] input)
    {
        if (allocated > Allowance)
        {
            throw Failed(string.Create(CultureInfo.InvariantCulture, $"{allocated} bytes were allocated, {Allowance} are allowed"), input, null);
        }

        if (Stopwatch.GetElapsedTime(began) > CaseLimit)
        {
            throw Failed($"it took {Stopwatch.GetElapsedTime(began)}", input, null);
        }
    }

    private InvalidOperationException Failed(string what, byte[] input, Exception? inner) => new(
        string.Create(
            CultureInfo.InvariantCulture,
            $"{what}\nseed {Seed}, round {Rounds}, input of {input.Length} bytes: {Convert.ToHexStringLower(input.AsSpan(0, Math.Min(2048, input.Length)))}"),
        inner);
}
