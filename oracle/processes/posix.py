"""What only POSIX systems have of the standard library. All other modules import it from here."""

# ruff: noqa: F401

import os

if os.name != "posix":
    raise ImportError("rnn-crosscheck needs Linux, macOS or WSL (the Windows Subsystem for Linux)")

import resource
from os import WNOHANG, fork, killpg, pread, register_at_fork, setsid
from select import POLLIN, POLLOUT, poll
from signal import ITIMER_REAL, SIGKILL, SIGUSR1, SIGXCPU, setitimer
from socket import AF_UNIX, SOCK_SEQPACKET, recv_fds, send_fds
