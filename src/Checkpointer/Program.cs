using Checkpointer.Cli;

using var host = CliHost.ForProcess();
return await CommandLine.RunAsync(args, host).ConfigureAwait(false);
