using System.Reflection;
using System.Security;
using NUnit.Framework.Api;
using NUnit.Framework.Interfaces;
using NUnit.Framework.Internal;

namespace ConvNative.Tests.Support;

/// <summary>Runs the suite in this process: for a machine without the SDK, to which the tests are published as a program.</summary>
internal static class SuiteRunner
{
    /// <summary>Runs the tests whose full name contains <paramref name="part"/>; tells each name, what failed, then the counts. 0: none failed.</summary>
    public static int Run(string part)
    {
        var runner = new NUnitTestAssemblyRunner(new DefaultTestAssemblyBuilder());
        runner.Load(Assembly.GetExecutingAssembly(), new Dictionary<string, object>());
        string filter = $"<filter><test re=\"1\">{SecurityElement.Escape(System.Text.RegularExpressions.Regex.Escape(part))}</test></filter>";
        // A test may redirect the console while the names of others are still to be told.
        TextWriter log = Console.Out;
        ITestResult result = runner.Run(new Listener(log), part.Length == 0 ? TestFilter.Empty : TestFilter.FromXml(filter));
        bool sound = result.FailCount == 0 && result.ResultState.Status != TestStatus.Failed && result.PassCount > 0;
        int failed = sound ? 0 : Math.Max(result.FailCount, 1);
        log.WriteLine($"{result.PassCount} passed, {failed} failed, {result.SkipCount + result.InconclusiveCount} skipped");
        return sound ? 0 : 1;
    }

    private sealed class Listener(TextWriter log) : ITestListener
    {
        // The last of these lines names the test that a process died in.
        public void TestStarted(ITest test)
        {
            if (!test.IsSuite) log.WriteLine(test.FullName);
        }

        public void TestFinished(ITestResult result)
        {
            if (result.ResultState.Status == TestStatus.Failed && !result.HasChildren) log.WriteLine($"FAILED {result.FullName}\n{result.Message}\n{result.StackTrace}\n");
            if (result.ResultState.Status == TestStatus.Skipped && !result.HasChildren) log.WriteLine($"SKIPPED {result.FullName}: {result.Message}");
        }

        public void TestOutput(TestOutput output)
        {
        }

        public void SendMessage(TestMessage message)
        {
        }
    }
}
