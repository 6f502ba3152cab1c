//! The status page: one document with its script, its style and its mark, all of them in the binary.
//!
//! Nothing is made here: what it shows comes by [`/events`](super::events). The document asks
//! nobody but this server, and may run, load and send nothing else: [`POLICY`] says so to the
//! browser, and that text is never taken for markup (`require-trusted-types-for`).

use http::HeaderValue;

/// What the browser lets the page do.
pub(super) const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'",
);

/// One file of it.
#[derive(Debug)]
pub(super) struct File {
    pub(super) path: &'static str,
    pub(super) content_type: &'static str,
    pub(super) text: &'static str,
}

const FILES: [File; 4] = [
    File {
        path: "/",
        content_type: "text/html; charset=utf-8",
        text: include_str!("page/page.html"),
    },
    File {
        path: "/page.css",
        content_type: "text/css; charset=utf-8",
        text: include_str!("page/page.css"),
    },
    File {
        path: "/page.js",
        content_type: "text/javascript; charset=utf-8",
        text: include_str!("page/page.js"),
    },
    File { path: "/page.svg", content_type: "image/svg+xml", text: include_str!("page/page.svg") },
];

/// The file of the page that is at this path.
pub(super) fn file(path: &str) -> Option<&'static File> {
    FILES.iter().find(|file| file.path == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// It is to be there at once over a bad line at night.
    const BYTES: usize = 150_000;

    #[test]
    fn it_is_small_and_names_nobody_else() {
        assert!(FILES.iter().map(|file| file.text.len()).sum::<usize>() < BYTES);
        for File { path, text, .. } in &FILES {
            for elsewhere in ["https:", "//cdn", "@import", "@font-face", " style=", " onclick="] {
                assert!(!text.contains(elsewhere), "{path} has {elsewhere}");
            }
            // The name of SVG is no address.
            let addresses = text.replace("http://www.w3.org/2000/svg", "");
            assert!(!addresses.contains("http:"), "{path}");
        }
    }

    #[test]
    fn data_never_becomes_markup() {
        let script = file("/page.js").unwrap().text;
        for door in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
            assert!(!script.contains(door), "{door}");
        }
    }
}
