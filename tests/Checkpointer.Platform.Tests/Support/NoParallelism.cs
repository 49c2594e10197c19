// A child that one test starts holds copies of all fds for the moment between fork and exec. Beside it, no test could
// say when "the last copy of this pipe end is closed" or "nobody listens on this socket any more".
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
