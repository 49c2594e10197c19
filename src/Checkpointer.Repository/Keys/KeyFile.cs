namespace Checkpointer.Repository;

/// <summary>The secret that opens repositories: a small file, readable by its owner only. Its loss makes every repository that it alone opens unreadable.</summary>
public sealed class KeyFile
{
    public string Path => throw new NotImplementedException();

    /// <summary>Public: names <c>keys/&lt;id&gt;</c> in a repository. 32 hex digits.</summary>
    public string Id => throw new NotImplementedException();

    /// <summary>Codes key-file-not-found and key-file-invalid.</summary>
    public static KeyFile Load(string path) => throw new NotImplementedException();

    /// <summary>Loads the file, or makes it (mode 0600, exclusively, durable). Never overwrites anything.</summary>
    public static KeyFile LoadOrCreate(string path) => throw new NotImplementedException();
}
