use super::Spread;

/// A row of the table of the README.
pub(crate) struct Row<'a> {
    what: &'a str,
    beside: &'a str,
    ratio: Option<Spread>,
    again: Option<Spread>,
    unit: &'static str,
    goal: Option<f64>,
    /// `true` if the ratio is better the higher it is.
    is_speed: bool,
}

/// Prints the head of the rows. The last column is left out in the README.
pub(crate) fn heading() {
    println!("| {:<64} | {:<36} | {:<24} | {:<18} | goal |", "", "relative to", "ratio", "the same twice");
}

/// Returns a number with a comma before each three digits.
pub(crate) fn digits(number: usize) -> String {
    let plain = number.to_string();
    let commas = |(at, digit): (usize, char)| {
        let comma = at > 0 && (plain.len() - at) % 3 == 0;
        comma.then_some(',').into_iter().chain([digit])
    };
    plain.chars().enumerate().flat_map(commas).collect()
}

impl<'a> Row<'a> {
    /// Makes a row for the time of `what`, relative to the time of `beside`.
    pub(crate) fn of(what: &'a str, beside: &'a str) -> Self {
        Self { what, beside, ratio: None, again: None, unit: "", goal: None, is_speed: false }
    }

    /// Sets the ratio, and the ratio of a contender to itself.
    pub(crate) fn ratio(mut self, ratio: Spread, again: Spread) -> Self {
        (self.ratio, self.again) = (Some(ratio), Some(again));
        self
    }

    /// Sets a count in place of a ratio.
    pub(crate) fn count(mut self, count: Spread, unit: &'static str) -> Self {
        (self.ratio, self.unit) = (Some(count), unit);
        self
    }

    /// Sets the ratio that is wanted, and prints the row.
    pub(crate) fn at_most(mut self, goal: f64) {
        self.goal = Some(goal);
        self.print();
    }

    /// The same for a ratio that tells how many times faster this crate is.
    pub(crate) fn at_least(mut self, goal: f64) {
        (self.goal, self.is_speed) = (Some(goal), true);
        self.print();
    }

    /// Prints the row. A missing figure is a dash.
    pub(crate) fn print(self) {
        let show = |spread: Option<Spread>| spread.map_or("-".to_owned(), |spread| spread.to_string());
        let unit = if self.is_speed { " x faster" } else { self.unit };
        let ratio = show(self.ratio) + self.ratio.map_or("", |_| unit);
        let goal = self.goal.map_or(String::new(), |goal| {
            let verdict = match self.ratio.map(|ratio| ratio.median) {
                None => "not measured",
                Some(ratio) if self.is_speed && ratio >= goal || !self.is_speed && ratio <= goal => "met",
                Some(_) => "missed",
            };
            let goal = format!("{goal:.2}");
            format!("{} {verdict}", goal.trim_end_matches('0').trim_end_matches('.'))
        });
        println!(
            "| {:<64} | {:<36} | {ratio:<24} | {:<18} | {goal} |",
            self.what,
            self.beside,
            show(self.again)
        );
    }
}
