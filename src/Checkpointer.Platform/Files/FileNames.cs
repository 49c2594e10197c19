namespace Checkpointer.Platform;

/// <summary>
/// Names of files, changed in one step each: whoever looks sees the state before or after. Links are never followed, they are what is moved. Raises
/// <see cref="PlatformException"/> for everything that is not told by an answer; then nothing was changed.
/// </summary>
public static class FileNames
{
    /// <summary>
    /// Gives each of two files of one file system the other's name. False: this file system cannot do that.
    /// </summary>
    public static bool TryExchange(string one, string other)
    {
        NativePath.Check(one);
        NativePath.Check(other);
        if (Libc.Rename(one, other, Libc.RenameExchange) == 0)
        {
            return true;
        }

        return Libc.LastError is Errno.EINVAL or Errno.ENOSYS or Errno.EOPNOTSUPP ? false : throw Libc.Failure($"exchange with {other}");
    }

    /// <summary>Gives a file another name. False: there is something of that name, which stays.</summary>
    public static bool TryMove(string from, string to)
    {
        NativePath.Check(from);
        NativePath.Check(to);
        if (Libc.RenameNew(from, to) == 0)
        {
            return true;
        }

        switch (Libc.LastError)
        {
            case Errno.EEXIST:
                return false;
            case Errno.EINVAL or Errno.ENOSYS: // a file system without it, such as NFS
                if (Libc.Link(from, to) != 0)
                {
                    return Libc.LastError == Errno.EEXIST ? false : throw Libc.Failure($"link {to}");
                }

                Remove(from);
                return true;
            default:
                throw Libc.Failure($"rename to {to}");
        }
    }

    /// <summary>Gives a file the name of another, which is gone then.</summary>
    public static void Replace(string from, string to)
    {
        NativePath.Check(from);
        NativePath.Check(to);
        if (Libc.Rename(from, to) != 0)
        {
            throw Libc.Failure($"rename to {to}");
        }
    }

    /// <summary>Removes a name. False: there was none.</summary>
    public static bool Remove(string path)
    {
        NativePath.Check(path);
        return Libc.Unlink(path) == 0 || (Libc.LastError == Errno.ENOENT ? false : throw Libc.Failure($"unlink {path}"));
    }
}
