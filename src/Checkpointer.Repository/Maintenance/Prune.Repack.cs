namespace Checkpointer.Repository;

internal sealed partial class Prune
{
    /// <summary>Reads every entry of every map in use, and marks the frames that they name where these really are.</summary>
    private async Task ScanAsync(PruneState state, CancellationToken cancellationToken)
    {
        NeededPacks needed = state.Needed;
        HashSet<ObjectId> uncovered = [];
        for (int i = 0; i < state.Roots.Maps.Count; i++)
        {
            RootMap root = state.Roots.Maps[i];
            MapIndex index = await MapReader.ReadIndexAsync(backend, keys, root.Map, cancellationToken).ConfigureAwait(false);
            try
            {
                await MapScanner.ScanAsync(backend, keys, root.Map.Id, index, Visit, cancellationToken).ConfigureAwait(false);
            }
            catch (RepositoryException e) when (e.Code is RepositoryCodes.Damaged or RepositoryCodes.TooNew)
            {
                RefuseDamage([e]);
            }

            progress?.Report(new PruneProgress("entries", i + 1, state.Roots.Maps.Count));

            void Visit(ChunkEntry entry)
            {
                if (entry.Kind != EntryKind.Chunk || needed.Locate(index.Packs[entry.Pack].Id, entry.Offset, entry.Frame) is not { } place)
                {
                    return;
                }

                if (needed.Moves.ContainsKey(place.Pack))
                {
                    uncovered.Add(place.Pack);
                }

                if (!state.Use.TryGetValue(place.Pack, out PackUse? use))
                {
                    state.Use[place.Pack] = use = new PackUse();
                }

                use.Mark(place.Frame, entry.FrameLength);
            }
        }

        Dictionary<ObjectId, int> depths = Depths(needed);
        foreach ((ObjectId pack, StoredObject stored) in state.Inventory.Packs.Where(p => needed.Packs.ContainsKey(p.Key)))
        {
            if (needed.Moves.TryGetValue(pack, out PackMove? move))
            {
                // A prune was killed between the move and the deletion. Everything in use is in the move, and all its targets are there: finish it.
                if (!uncovered.Contains(pack) && move.Targets.All(t => state.Inventory.Packs.TryGetValue(t.Id, out StoredObject target) && target.Length == t.Length))
                {
                    state.Rewritten.Add(pack);
                }
            }
            else if (IsMostlyDead(state, pack, stored.Length) && depths.GetValueOrDefault(pack) < FormatConstants.MaxMoveDepth - 1)
            {
                state.Repacks.Add(pack);
            }
        }
    }

    /// <summary>How many moves lead to a pack.</summary>
    private static Dictionary<ObjectId, int> Depths(NeededPacks needed)
    {
        Dictionary<ObjectId, int> depths = [];
        for (int round = 0; round < FormatConstants.MaxMoveDepth; round++)
        {
            foreach ((ObjectId pack, PackMove move) in needed.Moves)
            {
                foreach (PackReference target in move.Targets)
                {
                    depths[target.Id] = Math.Max(depths.GetValueOrDefault(target.Id), Math.Min(depths.GetValueOrDefault(pack) + 1, FormatConstants.MaxMoveDepth));
                }
            }
        }

        return depths;
    }

    private bool IsMostlyDead(PruneState state, ObjectId pack, long length)
    {
        long frames = length - FormatConstants.ObjectHeaderSize - FormatConstants.EndFrameSize;

        // Where nothing of it is in use, a map names it all the same, and a move of nothing says nothing.
        return state.Use.TryGetValue(pack, out PackUse? use)
            && use.LiveFrames is > 0 and <= FormatConstants.MaxMoveEntries
            && !state.Needed.Lost.Exists(l => l.Pack == pack)
            && (frames - use.LiveBytes) * 100 > frames * options.MaxDeadPercent;
    }

    private async Task<PruneReport> RepackAsync(PruneState state, PruneReport report, CancellationToken cancellationToken)
    {
        // Like every writer it says so first: another prune, should the lease be lost, keeps the new packs until their moves name them.
        WriterIntent intent = await WriterIntent.PutAsync(backend, keys, null, null, null, cancellationToken).ConfigureAwait(false);
        try
        {
            using PackRewriter rewriter = new(backend, keys, intent, options.Time, cancellationToken);
            int done = 0;
            foreach (ObjectId pack in state.Repacks)
            {
                await rewriter.RewriteAsync(pack, state.Inventory.Packs[pack].Length, state.Use[pack]).ConfigureAwait(false);
                progress?.Report(new PruneProgress("repack", ++done, state.Repacks.Count));
            }

            await rewriter.FinishAsync().ConfigureAwait(false);
            return report with
            {
                Repacked = rewriter.Packs,
                BytesRewritten = rewriter.BytesWritten,
                Deleted = report.Deleted + rewriter.Packs,
                BytesFreed = report.BytesFreed + rewriter.BytesFreed - rewriter.BytesWritten,
                Findings = rewriter.Findings,
            };
        }
        finally
        {
            await intent.RemoveAsync().ConfigureAwait(false);
        }
    }
}
