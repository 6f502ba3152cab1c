//! Cases with a table: one case for each row, with its values in place of `<name>`.

use std::collections::BTreeSet;

use toml::de::{DeArray, DeTable, DeValue};

use super::super::reader::Node;
use super::{Cases, among, in_order};

/// What a row is called, if the case has rows, and the case with its values.
type Row<'t> = (Option<String>, DeTable<'t>);

impl Cases<'_> {
    pub(super) fn rows<'t>(&mut self, case: &DeTable<'t>) -> Vec<Row<'t>> {
        let Some(node) = case.get("row") else { return vec![(None, case.clone())] };
        let DeValue::Array(rows) = node.get_ref() else {
            let problem = self.reader.problems.error(node.span(), "`row` is a list of tables");
            problem.help("write [[case.row]], or row = [ { … }, { … } ]");
            return Vec::new();
        };
        let tables: Vec<(&Node<'t>, &DeTable<'t>)> =
            rows.iter().filter_map(|row| Some((row, self.reader.table("row", row)?))).collect();
        let columns: BTreeSet<&str> =
            tables.iter().flat_map(|(_, row)| row.keys().map(|key| &**key.get_ref())).collect();
        if tables.is_empty() {
            self.reader.problems.error(node.span(), "this case has no rows, so nothing is tested");
        }
        let mut used = BTreeSet::new();
        let mut read = Vec::new();
        for (at, (place, row)) in tables.iter().enumerate() {
            for column in columns.iter().filter(|column| !row.contains_key(**column)) {
                let message = format!("this row has no `{column}`, as others have");
                self.reader.problems.error(place.span(), message);
            }
            let mut own = case.clone();
            own.remove("row");
            for (_, node) in own.iter_mut() {
                self.put_in(node, row, &columns, &mut used);
            }
            let cells = in_order(row).into_iter().map(|(key, node)| {
                let value = node.get_ref().as_str().map(str::to_owned);
                let value = value.or_else(|| self.plain(key.get_ref(), node));
                format!("{} = {}", key.get_ref(), value.unwrap_or_default())
            });
            let cells: Vec<String> = cells.collect();
            read.push((Some(format!("row {}: {}", at + 1, cells.join(", "))), own));
        }
        for column in columns.difference(&used) {
            let message = format!("`<{column}>` stands nowhere in this case");
            self.reader.problems.warning(node.span(), message).help("use it, or leave it out");
        }
        read
    }

    /// Puts a row's values where their names stand. A text that is nothing but a name becomes the
    /// value, whatever its type.
    fn put_in<'t, 'c>(
        &mut self,
        node: &mut Node<'t>,
        row: &DeTable<'t>,
        columns: &BTreeSet<&'c str>,
        used: &mut BTreeSet<&'c str>,
    ) {
        match node.get_ref() {
            DeValue::String(text) => {
                let text = text.to_string();
                if let Some(new) = self.filled_in(node, &text, row, columns, used) {
                    *node = new;
                }
            }
            DeValue::Array(items) => {
                let mut filled = DeArray::new();
                for item in items.iter() {
                    let mut item = item.clone();
                    self.put_in(&mut item, row, columns, used);
                    filled.push(item);
                }
                *node = toml::Spanned::new(node.span(), DeValue::Array(filled));
            }
            DeValue::Table(table) => {
                let mut table = table.clone();
                for (_, node) in table.iter_mut() {
                    self.put_in(node, row, columns, used);
                }
                *node = toml::Spanned::new(node.span(), DeValue::Table(table));
            }
            DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_) => {}
        }
    }

    /// The text with what stands in its brackets; `None` if there are none.
    fn filled_in<'t, 'c>(
        &mut self,
        node: &Node<'t>,
        text: &str,
        row: &DeTable<'t>,
        columns: &BTreeSet<&'c str>,
        used: &mut BTreeSet<&'c str>,
    ) -> Option<Node<'t>> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, name, after)) = bracket(rest) {
            filled.push_str(before);
            rest = after;
            let Some(column) = columns.get(name) else {
                let message = format!("`<{name}>` is no column of this case's rows");
                let help = among(name, columns.iter().copied());
                self.reader.problems.error(node.span(), message).help(help);
                return None;
            };
            used.insert(column);
            let cell = row.get(name)?;
            if before.is_empty() && after.is_empty() && filled.is_empty() {
                return Some(cell.clone());
            }
            filled.push_str(&self.plain(name, cell)?);
        }
        if filled.is_empty() {
            return None;
        }
        filled.push_str(rest);
        Some(toml::Spanned::new(node.span(), DeValue::String(filled.into())))
    }
}

/// The first `<name>` of a text, with what stands before and after it.
fn bracket(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let open = from + text.get(from..)?.find('<')?;
        let rest = &text[open + 1..];
        let close = rest.find('>')?;
        let name = &rest[..close];
        let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        if !name.is_empty() && name.chars().all(is_name) {
            return Some((&text[..open], name, &rest[close + 1..]));
        }
        from = open + 1;
    }
}
