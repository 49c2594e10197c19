using Xunit.Sdk;
using Xunit.v3;

// Deadlines are what is tested here, and real CRIU: these tests run one at a time.
[assembly: Parallelization(Mode = ParallelMode.None)]
