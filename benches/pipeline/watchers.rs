//! Those who look at the daemon while it works: Prometheus, somebody with the page open, and whoever
//! keeps its log. They ask more often than they usually do.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Prometheus asks every 15 s, as a rule.
const SCRAPE_EVERY: Duration = Duration::from_secs(1);

pub(crate) struct Watchers {
    stop: Arc<AtomicBool>,
    pub(crate) scrapes: Arc<AtomicU64>,
    threads: Vec<JoinHandle<()>>,
}

/// An address that nobody listens on.
pub(crate) fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

impl Watchers {
    pub(crate) fn of(daemon: SocketAddr) -> Watchers {
        let (stop, scrapes) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let mut page = asked(daemon, "/events");
        page.set_read_timeout(Some(SCRAPE_EVERY)).unwrap();
        let looks = {
            let stop = Arc::clone(&stop);
            thread::spawn(move || {
                let mut bytes = [0; 65_536];
                while !stop.load(Ordering::Relaxed) {
                    if page.read(&mut bytes).is_ok_and(|read| read == 0) {
                        break;
                    }
                }
            })
        };
        let scrape = {
            let (stop, scrapes) = (Arc::clone(&stop), Arc::<AtomicU64>::clone(&scrapes));
            thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let mut text = String::new();
                    asked(daemon, "/metrics").read_to_string(&mut text).unwrap();
                    assert!(text.contains("attributed_"), "{text}");
                    scrapes.fetch_add(1, Ordering::Relaxed);
                    thread::sleep(SCRAPE_EVERY);
                }
            })
        };
        Watchers { stop, scrapes, threads: vec![looks, scrape] }
    }

    pub(crate) fn go(self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().unwrap();
        }
    }
}

fn asked(daemon: SocketAddr, path: &str) -> TcpStream {
    let mut socket = TcpStream::connect(daemon).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {daemon}\r\nconnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).unwrap();
    socket
}
