using ConvNative.Compare;

return await CommandLine.RunAsync(args);
