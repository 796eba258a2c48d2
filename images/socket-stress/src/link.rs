//! The two ends of a connection.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;

use anyhow::Context as _;
use lab_protocol::SocketFamily;

/// One end.
pub(crate) trait End: Read + Write + Send {}

impl<T: Read + Write + Send> End for T {}

/// Both ends of a new connection.
///
/// # Errors
/// If the kernel has no such sockets, or does not connect them.
pub(crate) fn connect(family: SocketFamily) -> anyhow::Result<(Box<dyn End>, Box<dyn End>)> {
    match family {
        SocketFamily::Tcp => {
            let (first, second) = tcp().context("connecting two TCP sockets over 127.0.0.1")?;
            Ok((Box::new(first), Box::new(second)))
        }
        SocketFamily::Unix => {
            let (first, second) = UnixStream::pair().context("making a pair of UNIX sockets")?;
            Ok((Box::new(first), Box::new(second)))
        }
    }
}

fn tcp() -> io::Result<(TcpStream, TcpStream)> {
    // The kernel chooses the port, and completes the connection before anybody accepts it.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let first = TcpStream::connect(listener.local_addr()?)?;
    let (second, _) = listener.accept()?;
    for end in [&first, &second] {
        end.set_nodelay(true)?;
    }
    Ok((first, second))
}
