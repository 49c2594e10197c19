using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Engine.FileState.Trees;

/// <summary>A tree to capture.</summary>
/// <param name="Root">The tree's root, open in any way (a mere path will do); stays the caller's.</param>
/// <param name="MountPoint">Where the workload sees it; recorded, and in messages.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Number">Tells the trees of a snapshot apart: their files are <c>tree-N</c> and <c>tree-N-data</c>.</param>
/// <param name="Excludes">Patterns relative to the mount point (<see cref="FileTreePatterns"/>) of what is neither captured nor, when the tree is applied, removed.</param>
internal sealed record FileTreeSource(
    SafeFileHandle Root, string MountPoint, FileTreeKind Kind, int Number, IReadOnlyList<string> Excludes);
