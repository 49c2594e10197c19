namespace Checkpointer.Bench;

/// <summary>The kinds of memory that matter, in runs of at least 64 KiB, seeded.</summary>
internal static class Data
{
    private const int Run = 64 << 10;

    /// <summary>Weights, encrypted or compressed heaps: nothing to gain.</summary>
    public static byte[] Random(int length)
    {
        byte[] data = new byte[length];
        new Random(1).NextBytes(data);
        return data;
    }

    /// <summary>Code-like bytes: real libraries of the runtime.</summary>
    public static byte[] Code(int length)
    {
        string directory = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
        byte[] data = new byte[length];
        int at = 0;
        while (at < length)
        {
            foreach (string file in Directory.EnumerateFiles(directory).Order(StringComparer.Ordinal))
            {
                byte[] content = File.ReadAllBytes(file);
                int count = Math.Min(content.Length & ~4095, length - at);
                content.AsSpan(0, count).CopyTo(data.AsSpan(at));
                at += count;
            }
        }

        return data;
    }

    /// <summary>Half random, a quarter zeroes, a quarter code.</summary>
    public static byte[] Mixed(int length)
    {
        byte[] data = Random(length);
        byte[] code = Code(length / 4);
        int codeAt = 0;
        for (int at = 0; at + Run <= length; at += Run)
        {
            switch (at / Run % 4)
            {
                case 1:
                    data.AsSpan(at, Run).Clear();
                    break;
                case 3:
                    int count = Math.Min(Run, code.Length - codeAt);
                    code.AsSpan(codeAt, count).CopyTo(data.AsSpan(at));
                    codeAt += count;
                    break;
                default:
                    break;
            }
        }

        return data;
    }
}
