using Xunit.Sdk;
using Xunit.v3;

// Real CRIU, two cores, one machine: these tests run one at a time.
[assembly: Parallelization(Mode = ParallelMode.None)]
