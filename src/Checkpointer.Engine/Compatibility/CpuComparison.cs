namespace Checkpointer.Engine.Compatibility;

/// <summary>Compares CPU features as CRIU's <c>fpu,ins</c> does: instructions must be a superset, floating point state must be laid out alike.</summary>
internal static class CpuComparison
{
    // The names of /proc/cpuinfo for what CRIU compares (x86_ins_capability_mask); a program chooses its code by these once, at start.
    private static readonly HashSet<string> X86Instructions = new(StringComparer.Ordinal)
    {
        "fpu", "tsc", "cx8", "sep", "cmov", "clflush", "mmx", "fxsr", "sse", "sse2", "syscall", "mmxext", "rdtscp", "3dnowext", "3dnow",
        "pni", "pclmulqdq", "monitor", "ssse3", "fma", "cx16", "sse4_1", "sse4_2", "movbe", "popcnt", "aes", "xsave", "osxsave", "avx", "f16c", "rdrand",
        "abm", "sse4a", "misalignsse", "3dnowprefetch", "xop", "fma4", "tbm",
        "fsgsbase", "bmi1", "hle", "avx2", "bmi2", "erms", "rtm", "mpx", "avx512f", "avx512dq", "rdseed", "adx", "clflushopt", "clwb",
        "avx512pf", "avx512er", "avx512cd", "sha_ni", "avx512bw", "avx512vl", "avx512ifma",
        "xsaveopt", "xsavec", "xgetbv1", "xsaves",
        "avx512vbmi", "avx512_vbmi2", "gfni", "vaes", "vpclmulqdq", "avx512_vnni", "avx512_bitalg", "avx512_vpopcntdq", "rdpid", "clzero",
        "avx512_4vnniw", "avx512_4fmaps", "avx_vnni", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16", "movdiri", "movdir64b",
    };

    // Each of these adds a part to the state that XSAVE writes, and so changes its size.
    private static readonly HashSet<string> X86State = new(StringComparer.Ordinal) { "avx", "mpx", "avx512f", "pku", "amx_tile", "user_shstk" };

    /// <summary>Flags that the workload could be using and this CPU lacks.</summary>
    public static IReadOnlyList<string> Missing(string architecture, IReadOnlyCollection<string> needed, IReadOnlyCollection<string> offered)
    {
        HashSet<string> have = [.. offered];
        return needed.Where(f => IsInstruction(architecture, f) && !have.Contains(f)).Order(StringComparer.Ordinal).ToList();
    }

    /// <summary>Parts of the floating point state that this CPU has on top.</summary>
    public static IReadOnlyList<string> AdditionalState(string architecture, IReadOnlyCollection<string> needed, IReadOnlyCollection<string> offered)
    {
        HashSet<string> have = [.. needed];
        return architecture == "x86_64" ? offered.Where(f => X86State.Contains(f) && !have.Contains(f)).Order(StringComparer.Ordinal).ToList() : [];
    }

    private static bool IsInstruction(string architecture, string flag)
    {
        return architecture != "x86_64" || X86Instructions.Contains(flag);
    }
}
