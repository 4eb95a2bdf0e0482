//! Texts of many lines, cut into stretches that are read side by side.

/// The least that is worth a thread of its own, and the most that views of text can point into.
const STRETCH: std::ops::RangeInclusive<usize> = 1 << 18..=1 << 30;

/// Cuts a text at ends of lines.
pub(crate) fn stretches(text: &[u8]) -> Vec<&[u8]> {
    let long = text.len().div_ceil(rayon::current_num_threads()).clamp(*STRETCH.start(), *STRETCH.end());
    let mut rest = text;
    let mut stretches = Vec::new();
    while !rest.is_empty() {
        let most = long.min(rest.len());
        let end = rest[..most].iter().rposition(|&byte| byte == b'\n');
        let end = end.or_else(|| rest.iter().position(|&byte| byte == b'\n')).map_or(rest.len(), |at| at + 1);
        let end = if most == rest.len() { most } else { end };
        let (stretch, more) = rest.split_at(end);
        stretches.push(stretch);
        rest = more;
    }
    stretches
}
