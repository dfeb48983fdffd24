using System.Net;
using System.Net.Sockets;

namespace ConvNative.Tests.Samples;

/// <summary>A web server on this machine that hands out files from memory; 404 for others.</summary>
internal sealed class FileServer : IDisposable
{
    private readonly HttpListener _listener = new();
    private readonly Dictionary<string, byte[]> _files;
    private readonly Task _loop;

    public FileServer(Dictionary<string, byte[]> files)
    {
        _files = files;
        Address = new Uri($"http://localhost:{FreePort()}/");
        _listener.Prefixes.Add(Address.ToString());
        _listener.Start();
        _loop = Task.Run(Serve);
    }

    public Uri Address { get; }

    /// <summary>Requests answered.</summary>
    public int Requests { get; private set; }

    /// <summary>An address at which nobody listens.</summary>
    public static Uri Nobody() => new($"http://localhost:{FreePort()}/");

    public void Dispose()
    {
        _listener.Close();
        _loop.Wait();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private void Serve()
    {
        try
        {
            while (true)
            {
                HttpListenerContext context = _listener.GetContext();
                Requests++;
                bool found = _files.TryGetValue(context.Request.Url!.AbsolutePath.TrimStart('/'), out byte[]? bytes);
                context.Response.StatusCode = found ? 200 : 404;
                context.Response.Close(bytes ?? [], willBlock: true);
            }
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException or InvalidOperationException)
        {
            // The listener was closed: the end of the test.
        }
    }
}
