namespace ConvNative.Tests.Support;

/// <summary>The source tree that the tests run from.</summary>
internal static class Repository
{
    /// <summary>The folder of ConvNative.sln.</summary>
    public static string Root { get; } = Find();

    /// <summary>A folder of what is shared between checkouts, or null where it is absent.</summary>
    public static string? Beside(string name)
    {
        string candidate = Path.Combine(Root, "..", "shared", name);
        return Directory.Exists(candidate) ? Path.GetFullPath(candidate) : null;
    }

    private static string Find()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "ConvNative.sln"))) folder = folder.Parent;
        return folder?.FullName ?? throw new DirectoryNotFoundException($"No folder above {AppContext.BaseDirectory} holds ConvNative.sln.");
    }
}
