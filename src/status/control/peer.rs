//! Who may ask: root, the service's own user, and whom the socket's file mode lets in.
//!
//! Pure. The kernel lets connect whom the mode lets write, which with 0660 is the owner and the
//! socket's group. This is looked at again for each connection, so that a mode that somebody opened
//! to everybody (or that was open for an instant) opens nothing.

/// The other end of a connection, as the kernel says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    pub uid: u32,
    pub gid: u32,
}

/// The socket's file as it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketFile {
    /// The service's own user.
    pub uid: u32,
    pub gid: u32,
    pub mode: u32,
}

const OTHERS_MAY_WRITE: u32 = 0o002;

/// Returns true if and only if the peer may ask.
pub fn may_ask(peer: Peer, socket: SocketFile) -> bool {
    let by_name = peer.uid == 0 || peer.uid == socket.uid || peer.gid == socket.gid;
    // Whoever else came through a closed door belongs to the group: not every group of a peer is
    // told, but the kernel has looked at them all.
    by_name || socket.mode & OTHERS_MAY_WRITE == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_the_service_and_the_group_may_ask() {
        let closed = SocketFile { uid: 990, gid: 980, mode: 0o140_660 };
        let open = SocketFile { mode: 0o140_666, ..closed };
        for (uid, gid, socket, expected) in [
            (0, 0, open, true),
            (990, 1, open, true),
            (1000, 980, open, true),
            // Anybody, through a mode that should not be.
            (1000, 1000, open, false),
            // By one of their other groups.
            (1000, 1000, closed, true),
        ] {
            assert_eq!(may_ask(Peer { uid, gid }, socket), expected, "{uid}:{gid} {socket:?}");
        }
    }
}
