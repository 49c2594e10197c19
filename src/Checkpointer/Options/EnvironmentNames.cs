namespace Checkpointer.Cli;

/// <summary>The environment variables that the command line reads. They are part of its contract: none is ever renamed.</summary>
internal static class EnvironmentNames
{
    public const string Repository = "CHECKPOINTER_REPO";
    public const string KeyFile = "CHECKPOINTER_KEY_FILE";
    public const string PassphraseFile = "CHECKPOINTER_PASSPHRASE_FILE";
    public const string Passphrase = "CHECKPOINTER_PASSPHRASE";
    public const string Socket = "CHECKPOINTER_SOCKET";
    public const string StateDirectory = "CHECKPOINTER_STATE_DIR";
    public const string RunDirectory = "CHECKPOINTER_RUN_DIR";
    public const string Criu = "CHECKPOINTER_CRIU";
    public const string CudaLibrary = "CHECKPOINTER_CUDA_LIBRARY";
    public const string NvmlLibrary = "CHECKPOINTER_NVML_LIBRARY";
    public const string RuntimeEndpoint = "CHECKPOINTER_RUNTIME_ENDPOINT";
    public const string Debug = "CHECKPOINTER_DEBUG";
}
