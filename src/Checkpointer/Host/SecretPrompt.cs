using System.Text;

namespace Checkpointer.Cli;

/// <summary>Reads a secret from standard input: without echo from a terminal, else one line.</summary>
internal static class SecretPrompt
{
    /// <summary>Characters; nobody types more.</summary>
    private const int MaxLength = 1024;

    public static string Read(string prompt) => Console.IsInputRedirected ? ReadLine() : ReadTyped(prompt);

    /// <summary>Byte by byte, so that a second secret in the same input stays there.</summary>
    private static string ReadLine()
    {
        using var input = Console.OpenStandardInput();
        var bytes = new List<byte>();
        while (bytes.Count <= MaxLength && input.ReadByte() is var next and >= 0 and not '\n')
        {
            bytes.Add((byte)next);
        }

        return Encoding.UTF8.GetString([.. bytes]).TrimEnd('\r');
    }

    private static string ReadTyped(string prompt)
    {
        Console.Error.Write(prompt);
        var text = new StringBuilder();
        while (text.Length <= MaxLength)
        {
            var key = Console.ReadKey(intercept: true);
            if (key.Key == ConsoleKey.Enter)
            {
                break;
            }

            if (key.Key == ConsoleKey.Backspace)
            {
                text.Length = Math.Max(0, text.Length - 1);
            }
            else if (!char.IsControl(key.KeyChar))
            {
                text.Append(key.KeyChar);
            }
        }

        Console.Error.WriteLine();
        return text.ToString();
    }
}
