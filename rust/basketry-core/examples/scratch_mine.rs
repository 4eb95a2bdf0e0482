//! x
use basketry_core::{baskets::Baskets, itemsets::*, Control};
use std::time::Instant;
fn main() {
    let threads: usize = std::env::var("T").map_or(2, |v| v.parse().unwrap());
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    for arg in std::env::args().skip(1) {
        let (set, min) = arg.split_once('@').unwrap();
        let text = std::fs::read_to_string(format!("/tmp/fimi/{set}.dat")).unwrap();
        let rows = text.lines().map(|l| l.split_ascii_whitespace().map(|x| x.parse().unwrap()).collect::<Vec<u32>>());
        let b = Baskets::from_rows(rows);
        let o = Options::at_least(min.parse().unwrap());
        let reps = 5;
        let mut ts = vec![]; let mut tm = vec![]; let mut tl = vec![]; let mut tsort = vec![];
        let mut spec = vec![]; let mut nodes = 0; let mut lists=0;
        pool.install(|| for _ in 0..reps {
            let t = Instant::now(); spec = count(&b, &o, &Control::default()).unwrap(); ts.push(t.elapsed().as_secs_f64()*1e3);
            if std::env::var("C").is_ok() {continue}
            let t = Instant::now(); let m = mine(&b, &o, &Control::default()).unwrap(); tm.push(t.elapsed().as_secs_f64()*1e3);
            nodes = m.nodes().count();
            let t = Instant::now(); let l = m.lists(); tl.push(t.elapsed().as_secs_f64()*1e3); lists = l.counts.len();
            tsort.push(0.0);
        });
        for v in [&mut ts, &mut tm, &mut tl] { v.sort_by(f64::total_cmp); }
        println!("{arg:24} {:>10} {} count {:8.2} mine {:8.2} lists {:8.2} ms", spec.iter().sum::<u64>(), nodes == lists,
            ts[ts.len()/2], tm.get(reps/2).unwrap_or(&0.), tl.get(reps/2).unwrap_or(&0.));
        if std::env::var("S").is_ok() { println!("{spec:?}"); }
    }
}
