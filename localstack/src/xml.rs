//! A small XML tree: what the gateway needs to look into an answer and change it.

use quick_xml::Reader;
use quick_xml::escape::escape;
use quick_xml::events::Event;

/// An element. Text between child elements is not kept: AWS never sends any.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Node {
    pub name: String,
    attributes: Vec<(String, String)>,
    pub children: Vec<Node>,
    pub text: String,
}

impl Node {
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    pub fn leaf(name: &str, text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::new(name) }
    }

    pub fn with(mut self, child: Node) -> Self {
        self.children.push(child);
        self
    }

    pub fn child(&self, name: &str) -> Option<&Node> {
        self.children.iter().find(|child| child.name == name)
    }

    pub fn child_mut(&mut self, name: &str) -> Option<&mut Node> {
        self.children.iter_mut().find(|child| child.name == name)
    }

    /// Takes a child out.
    pub fn take(&mut self, name: &str) -> Option<Node> {
        let at = self.children.iter().position(|child| child.name == name)?;
        Some(self.children.remove(at))
    }

    /// The text of a child, or nothing when there is no such child.
    pub fn get(&self, name: &str) -> &str {
        self.child(name).map_or("", |child| child.text.as_str())
    }

    /// Sets the text of a child, adding the child if need be.
    pub fn set(&mut self, name: &str, text: impl Into<String>) {
        match self.child_mut(name) {
            Some(child) => child.text = text.into(),
            None => self.children.push(Self::leaf(name, text)),
        }
    }

    /// The entries of a list-valued child (`<vpcSet><item/>…`).
    pub fn items(&self, list: &str) -> impl Iterator<Item = &Node> {
        self.child(list).into_iter().flat_map(|set| &set.children)
    }

    /// Follows child names downwards.
    pub fn find(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, name| node.child(name))
    }

    /// Reads a document. `None` when it is not well-formed.
    pub fn parse(document: &[u8]) -> Option<Self> {
        let mut reader = Reader::from_reader(document);
        let mut open: Vec<Node> = vec![Node::default()];
        let mut buffer = Vec::new();
        loop {
            match reader.read_event_into(&mut buffer).ok()? {
                Event::Start(tag) => open.push(start(&tag)?),
                Event::Empty(tag) => {
                    let node = start(&tag)?;
                    open.last_mut()?.children.push(node);
                }
                Event::End(_) => {
                    let mut node = open.pop()?;
                    if !node.children.is_empty() {
                        node.text.clear();
                    }
                    open.last_mut()?.children.push(node);
                }
                Event::Text(text) => open.last_mut()?.text.push_str(&text.decode().ok()?),
                Event::CData(text) => open.last_mut()?.text.push_str(&text.decode().ok()?),
                Event::GeneralRef(reference) => {
                    let resolved = match reference.resolve_char_ref().ok()? {
                        Some(character) => character.to_string(),
                        None => quick_xml::escape::resolve_predefined_entity(&reference.decode().ok()?)?.to_owned(),
                    };
                    open.last_mut()?.text.push_str(&resolved);
                }
                Event::Eof => break,
                Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::Comment(_) => {}
            }
            buffer.clear();
        }
        let root = open.pop().filter(|_| open.is_empty())?;
        root.children.into_iter().next()
    }

    /// Writes the document, declaration included.
    pub fn to_document(&self) -> Vec<u8> {
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        self.write(&mut out);
        out.into_bytes()
    }

    fn write(&self, out: &mut String) {
        out.push('<');
        out.push_str(&self.name);
        for (name, value) in &self.attributes {
            out.push(' ');
            out.push_str(name);
            out.push_str("=\"");
            out.push_str(&escape(value.as_str()));
            out.push('"');
        }
        if self.children.is_empty() && self.text.is_empty() {
            out.push_str("/>");
            return;
        }
        out.push('>');
        out.push_str(&escape(self.text.as_str()));
        for child in &self.children {
            child.write(out);
        }
        out.push_str("</");
        out.push_str(&self.name);
        out.push('>');
    }
}

fn start(tag: &quick_xml::events::BytesStart<'_>) -> Option<Node> {
    let mut node = Node::new(std::str::from_utf8(tag.name().as_ref()).ok()?);
    for attribute in tag.attributes() {
        let attribute = attribute.ok()?;
        node.attributes
            .push((std::str::from_utf8(attribute.key.as_ref()).ok()?.to_owned(), attribute.unescape_value().ok()?.into_owned()));
    }
    Some(node)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_again() {
        let document = b"<a x=\"1 &amp; 2\">\n  <b>t &lt; &#65;</b><set><item/><item><c>1</c></item></set></a>";
        let node = Node::parse(document).expect("well-formed");
        assert_eq!(node.get("b"), "t < A");
        assert_eq!(node.items("set").count(), 2);
        assert_eq!(Node::parse(&node.to_document()), Some(node));
    }

    #[test]
    fn broken_documents_are_refused() {
        for document in ["", "<a>", "<a></b>", "</a>", "<a>&nope;</a>"] {
            assert_eq!(Node::parse(document.as_bytes()), None, "{document}");
        }
    }
}
