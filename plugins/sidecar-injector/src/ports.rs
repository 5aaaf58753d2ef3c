//! The ports of a pod's containers: a port of the node and a port's name belong to one container only.
//!
//! Kubernetes refuses two containers with one port of the node, and takes two of one name: then a Service or a probe
//! that names it gets the first of them, which may not be the one that the chart means.

use windlass_pdk::{Node, Value};

/// A port of a container, as far as it can be in another's way.
#[derive(Clone, Debug)]
struct Port {
    name: String,
    /// On the node: number, protocol and address.
    host: Option<(String, String, String)>,
}

/// The ports of one container.
#[derive(Debug)]
pub(crate) struct Ports {
    pub(crate) container: String,
    /// Whether the container is one that is injected.
    pub(crate) is_injected: bool,
    ports: Vec<Port>,
}

/// Two containers that want the same.
pub(crate) struct Clash<'p> {
    pub(crate) one: &'p Ports,
    pub(crate) other: &'p Ports,
    /// What both want: `the port 80 of the node`.
    pub(crate) what: String,
}

/// What the two sorts of maps have in common: the text of a scalar under a key, empty if there is none.
trait Map {
    fn text(&self, key: &str) -> String;
}

impl Map for Node<'_> {
    fn text(&self, key: &str) -> String {
        crate::scalar::text(*self, key)
    }
}

impl Map for Value {
    fn text(&self, key: &str) -> String {
        match self.get(key) {
            Some(Value::String(text) | Value::Number(text)) => text.clone(),
            _ => String::new(),
        }
    }
}

impl Port {
    fn of(port: &impl Map, is_on_host_network: bool) -> Self {
        let or = |text: String, default: &str| if text.is_empty() { default.to_owned() } else { text };
        let mut number = port.text("hostPort");
        if is_on_host_network {
            number = or(number, &port.text("containerPort"));
        }
        let is_given = !number.is_empty() && number != "0";
        let host = is_given.then(|| (number, or(port.text("protocol"), "TCP"), port.text("hostIP")));
        Port { name: port.text("name"), host }
    }

    /// What both of two ports want.
    fn clash(&self, other: &Port) -> Option<String> {
        if !self.name.is_empty() && self.name == other.name {
            return Some(format!("a port named `{}`", self.name));
        }
        let is_any = |address: &str| matches!(address, "" | "0.0.0.0" | "::");
        match (&self.host, &other.host) {
            (Some((number, protocol, address)), Some((other_number, other_protocol, other_address)))
                if number == other_number
                    && protocol == other_protocol
                    && (address == other_address || is_any(address) || is_any(other_address)) =>
            {
                Some(format!("the port {number}/{protocol} of the node"))
            }
            _ => None,
        }
    }
}

impl Ports {
    /// Those of a container of the object.
    pub(crate) fn of_node(name: &str, container: Node<'_>, is_on_host_network: bool) -> Self {
        let ports = container.get("ports").into_iter().flat_map(|list| list.items());
        let ports = ports.map(|port| Port::of(&port, is_on_host_network)).collect();
        Ports { container: name.to_owned(), is_injected: false, ports }
    }

    /// Those of a configured container.
    pub(crate) fn of_value(name: &str, container: &Value, is_on_host_network: bool) -> Self {
        let ports = container.get("ports").and_then(Value::as_list).unwrap_or_default();
        let ports = ports.iter().map(|port| Port::of(port, is_on_host_network)).collect();
        Ports { container: name.to_owned(), is_injected: true, ports }
    }
}

/// The first two containers of a pod that want the same, at least one of which is injected: what the chart's own do to
/// each other is the chart's matter.
pub(crate) fn clash(containers: &[Ports]) -> Option<Clash<'_>> {
    let pairs = containers
        .iter()
        .enumerate()
        .flat_map(|(at, one)| containers.iter().skip(at + 1).map(move |other| (one, other)));
    pairs.filter(|(one, other)| one.is_injected || other.is_injected).find_map(|(one, other)| {
        let wanted = one.ports.iter().flat_map(|port| other.ports.iter().map(move |other| port.clash(other)));
        wanted.flatten().next().map(|what| Clash { one, other, what })
    })
}
