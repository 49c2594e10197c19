namespace Checkpointer.Node;

/// <summary>The event ids of the service's log. Stable: operators filter by them; retired ones are not used again.</summary>
internal static class EventIds
{
    public const int ServiceStarting = 1000;
    public const int ServiceReady = 1001;
    public const int ServiceStopping = 1002;
    public const int ServiceStopped = 1003;
    public const int RollingBack = 1004;
    public const int RollbackOverdue = 1005;
    public const int WatchdogSilent = 1006;
    public const int RepositoriesOpen = 1007;
    public const int NotifyFailed = 1008;

    public const int RecoveryDone = 1100;
    public const int RecoveredOperation = 1101;
    public const int RecoveryAttention = 1102;
    public const int RecoveryFailed = 1103;

    public const int OperationAccepted = 1200;
    public const int OperationCancelRequested = 1201;
    public const int CheckpointSucceeded = 1202;
    public const int OperationFailed = 1203;
    public const int OperationCancelled = 1204;
    public const int OperationAttention = 1205;
    public const int OperationRefused = 1206;
    public const int RestoreSucceeded = 1207;
    public const int HistoryFailed = 1208;

    public const int PeerRefused = 1300;
    public const int RequestFailed = 1301;

    public const int RuntimeLost = 1400;
    public const int RuntimeBack = 1401;
    public const int LogsLeft = 1402;
}
