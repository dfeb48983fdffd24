using BenchmarkDotNet.Running;
using ConvNative;

// All of BenchmarkDotNet's arguments, for instance: --filter '*Gemm*' --job short
Console.WriteLine(ConvNativeInfo.Describe());
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
