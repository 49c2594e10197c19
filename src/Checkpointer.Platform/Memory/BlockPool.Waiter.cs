namespace Checkpointer.Platform;

public sealed partial class BlockPool
{
    /// <summary>Someone who waits for a block. Whoever takes its node out of the list, under the lock, decides its end.</summary>
    private sealed class Waiter(BlockPool pool)
    {
        private readonly TaskCompletionSource<Block> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);

        internal LinkedListNode<Waiter>? Node { get; set; }

        internal async Task<Block> WaitAsync(CancellationToken cancellationToken)
        {
            CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(
                static (state, token) => ((Waiter)state!).Cancel(token), this);
            await using (registration.ConfigureAwait(false))
            {
                return await _result.Task.ConfigureAwait(false);
            }
        }

        internal void Succeed(Block block) => _result.SetResult(block);

        internal void Fail(Exception error) => _result.SetException(error);

        private void Cancel(CancellationToken token)
        {
            lock (pool._gate)
            {
                if (Node is null)
                {
                    return; // a block is on its way, and will be the result
                }

                pool._waiters.Remove(Node);
                Node = null;
            }

            _result.SetCanceled(token);
        }
    }
}
