namespace Checkpointer.Node;

/// <summary>The body of every answer that is not a success.</summary>
public sealed record ErrorResource(ErrorReport Error);

/// <summary>The body of /healthz and /readyz.</summary>
public sealed record HealthResource(string Status);
