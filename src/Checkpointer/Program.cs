using Checkpointer.Cli;

using var host = CliHost.ForProcess();
host.LeaveDeletedDirectory();
return await CommandLine.RunAsync(args, host).ConfigureAwait(false);
