namespace Checkpointer.Repository;

/// <summary>What a writer knows of its parent, as it was after the writer's intent was put.</summary>
/// <param name="Digest">The digest of its manifest object; null without a parent, or where it does not exist any more.</param>
/// <param name="Manifest">Its sound manifest, whose map may be reused from; null where there is none, it is damaged, or it changed meanwhile.</param>
internal sealed record WriterParent(string? Digest, LoadedManifest? Manifest);
