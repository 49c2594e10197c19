namespace Checkpointer.Repository;

/// <summary>Which frames of a pack are in use: one bit for each, 400 to 1500 bytes for a full pack.</summary>
internal sealed class PackUse
{
    private ulong[] _bits = [];

    /// <summary>Bytes of the frames in use.</summary>
    public long LiveBytes { get; private set; }

    public int LiveFrames { get; private set; }

    /// <summary>True the first time. The caller has checked that the frame number fits its offset.</summary>
    public bool Mark(int frame, int frameLength)
    {
        int word = frame >> 6;
        if (word >= _bits.Length)
        {
            Array.Resize(ref _bits, Math.Max(word + 1, _bits.Length * 2));
        }

        ulong bit = 1UL << (frame & 63);
        if ((_bits[word] & bit) != 0)
        {
            return false;
        }

        _bits[word] |= bit;
        LiveBytes += frameLength;
        LiveFrames++;
        return true;
    }

    public bool IsLive(int frame) => frame >> 6 < _bits.Length && (_bits[frame >> 6] & (1UL << (frame & 63))) != 0;
}
