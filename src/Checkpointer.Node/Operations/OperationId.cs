using System.Security.Cryptography;

namespace Checkpointer.Node;

/// <summary>
/// Names of operations: ten characters of time (milliseconds since 1970, so that names sort by age) and six random ones.
/// Short, because the name is part of socket paths, which the kernel limits to 107 bytes.
/// </summary>
public static class OperationId
{
    /// <summary>Longest name that is accepted from outside. Ours have 16 characters; embedded runs may choose others.</summary>
    public const int MaxLength = 64;

    private const int TimeCharacters = 10;
    private const int RandomCharacters = 6;

    // Crockford's alphabet in lower case: sorts like the number and has no letter that is easily misread.
    private const string Alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

    /// <summary>A name that no other operation has: 30 random bits within one millisecond.</summary>
    public static string New(TimeProvider time)
    {
        Span<char> name = stackalloc char[TimeCharacters + RandomCharacters];
        var milliseconds = time.GetUtcNow().ToUnixTimeMilliseconds();
        for (var i = TimeCharacters - 1; i >= 0; i--)
        {
            name[i] = Alphabet[(int)(milliseconds & 31)];
            milliseconds >>= 5;
        }

        Span<byte> random = stackalloc byte[RandomCharacters];
        RandomNumberGenerator.Fill(random);
        for (var i = 0; i < RandomCharacters; i++)
        {
            name[TimeCharacters + i] = Alphabet[random[i] & 31];
        }

        return new string(name);
    }

    /// <summary>Whether a name from outside may be looked up or become part of a path: letters, digits, dash and underscore only.</summary>
    public static bool IsValid(string? text)
    {
        if (string.IsNullOrEmpty(text) || text.Length > MaxLength)
        {
            return false;
        }

        foreach (var c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_'))
            {
                return false;
            }
        }

        return true;
    }
}
