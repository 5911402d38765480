"""Words that Perl itself gives a meaning."""

from __future__ import annotations

__all__ = ["BUILTINS", "PRAGMAS"]

_BUILTINS = """
abs accept alarm atan2 bind binmode bless break caller chdir chmod chomp chop chown chr chroot
close closedir connect continue cos crypt dbmclose dbmopen defined delete die do dump each
endgrent endhostent endnetent endprotoent endpwent endservent eof eval evalbytes exec exists
exit exp fc fcntl fileno flock fork format formline getc getgrent getgrgid getgrnam
gethostbyaddr gethostbyname gethostent getlogin getnetbyaddr getnetbyname getnetent getpeername
getpgrp getppid getpriority getprotobyname getprotobynumber getprotoent getpwent getpwnam
getpwuid getservbyname getservbyport getservent getsockname getsockopt glob gmtime goto grep hex
index int ioctl join keys kill last lc lcfirst length link listen local localtime log lstat map
mkdir msgctl msgget msgrcv msgsnd my next no oct open opendir ord our pack package pipe pop pos
print printf prototype push quotemeta rand read readdir readline readlink readpipe recv redo ref
rename require reset return reverse rewinddir rindex rmdir say scalar seek seekdir select semctl
semget semop send setgrent sethostent setnetent setpgrp setpriority setprotoent setpwent
setservent setsockopt shift shmctl shmget shmread shmwrite shutdown sin sleep socket socketpair
sort splice split sprintf sqrt srand stat state study sub substr symlink syscall sysopen sysread
sysseek system syswrite tell telldir tie tied time times truncate uc ucfirst umask undef unlink
unpack unshift untie use utime values vec wait waitpid wantarray warn write
"""
BUILTINS = frozenset(_BUILTINS.split())
"""The functions of perlfunc(1)."""

_PRAGMAS = """
autodie bigint bignum bigrat builtin bytes charnames constant diagnostics encoding experimental
feature fields filetest integer less lib locale mro overload overloading re sigtrap sort strict
subs threads::shared utf8 vars version vmsish warnings warnings::register
"""
PRAGMAS = frozenset(_PRAGMAS.split())
"""Modules that change how the file is read, and ask for nothing."""
