//! `attributed simulate`: a local Genesys Cloud on a socket, until it is interrupted.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::simulator::world::Shape;
use crate::simulator::{Faults, Options, Simulator};

/// Be Genesys Cloud for a while: a whole one, on this machine, with traffic
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where to listen
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8480")]
    pub(super) listen: SocketAddr,

    /// The same seed makes the same organisation and the same conversations
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) seed: u64,

    /// New conversations a second
    #[arg(long, value_name = "CONVERSATIONS_PER_SECOND", default_value_t = 1.0, value_parser = rate)]
    pub(super) rate: f64,

    /// Users of the organisation
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(super) users: usize,

    /// What goes wrong by itself
    #[arg(long, value_enum, default_value_t = Faults::None)]
    pub(super) faults: Faults,
}

/// Serves until `stop`.
///
/// # Errors
///
/// The address cannot be listened on, or standard output is gone.
pub(super) async fn simulate(args: Args, stop: CancellationToken) -> io::Result<()> {
    let listener = TcpListener::bind(args.listen).await.map_err(|error| {
        let hint = "is another simulator running? choose another --listen";
        io::Error::new(error.kind(), format!("cannot listen on {}: {error} ({hint})", args.listen))
    })?;
    let address = listener.local_addr()?;
    let shape =
        Shape { users: args.users, rate: args.rate, generate: args.rate > 0.0, ..Shape::default() };
    let options = Options { seed: args.seed, shape, faults: args.faults, ..Options::default() };
    let simulator = Simulator::new(options);
    introduce(&mut io::stdout().lock(), address, args.seed)?;
    Arc::clone(&simulator).serve(listener, stop).await;
    Ok(())
}

fn introduce(out: &mut impl Write, address: SocketAddr, seed: u64) -> io::Result<()> {
    write!(
        out,
        "Genesys Cloud, simulated, at http://{address} (seed {seed})

In attributed.toml:

  [genesys]
  login_url = \"http://{address}\"
  api_url   = \"http://{address}\"
  client_id = \"demo\"                 # the secret is \"demo\" too

To try:

  curl http://{address}/simulator/state
  curl http://{address}/simulator/requests
  curl http://{address}/simulator/truth
  curl -X POST http://{address}/simulator/sockets -d '{{\"how\": \"drop\"}}'

Ctrl-C ends it.
"
    )?;
    out.flush()
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate >= 0.0 => Ok(rate),
        Ok(_) | Err(_) => Err("a number of conversations a second, 0 for none".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_introduction_says_where_and_how() {
        let mut out = Vec::new();
        introduce(&mut out, SocketAddr::from(([127, 0, 0, 1], 8480)), 7).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("http://127.0.0.1:8480 (seed 7)"));
        assert!(text.contains(r#"-d '{"how": "drop"}'"#));
        assert_eq!(rate("-1").is_err(), rate("0.5").is_ok());
    }
}
