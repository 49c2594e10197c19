using Checkpointer.Containers.Tests;
using Xunit.Sdk;
using Xunit.v3;

// Two nodes for all tests, one test at a time: real CRIU, real containerd, two cores.
[assembly: Parallelization(Mode = ParallelMode.None)]
[assembly: AssemblyFixture(typeof(TwoNodes))]
