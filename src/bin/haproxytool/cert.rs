use std::fs;

use haproxyadmin::Outcomes;
use haproxyadmin::certificate::{CertificateDetails, ListedCertificate};

use crate::Views;
use crate::call::Call;
pub(crate) use crate::pattern::changed;
use crate::problem::Problem;
use crate::report::Report;

pub(crate) async fn run(call: &Call, views: &Views) -> Result<Report, Problem> {
    let Some(name) = call.argument() else { return list(views).await };
    let (read, write) = (views.read.certificate(name)?, views.write.certificate(name)?);
    match call.action {
        "show" => Ok(show(&read.show().await?)),
        // Strict, unless --allow-partial is given: if one process fails, no process is changed.
        "set" => changed(read.replace(&pem(call)?).await),
        _ => Ok(Report::changes(vec![write.delete().await?])),
    }
}

/// Reads the file of the second argument.
pub(crate) fn pem(call: &Call) -> Result<String, Problem> {
    let [_, path] = call.arguments()?;
    fs::read_to_string(path).map_err(|error| Problem::File(path.to_owned(), error))
}

async fn list(views: &Views) -> Result<Report, Problem> {
    let lists = views.read.certificates().await?;
    Ok(Report::of_each(["PENDING", "NAME"], &lists, |certificates| {
        let row = |one: &ListedCertificate| [pending(one.is_pending), one.name.to_string()];
        certificates.iter().map(row).collect()
    }))
}

/// Returns the word for a change that is not committed.
pub(crate) fn pending(is_pending: bool) -> String {
    if is_pending { "yes" } else { "-" }.to_owned()
}

fn show(shown: &Outcomes<CertificateDetails>) -> Report {
    let head = ["STATUS", "UNTIL", "SERIAL", "FINGERPRINT", "SUBJECT", "NAMES"];
    Report::of_each(head, shown, |details| {
        let status = details.status.to_string();
        let Some(leaf) = &details.leaf else {
            let none = || "-".to_owned();
            return vec![[status, none(), none(), none(), none(), none()]];
        };
        let [until, serial] = [&leaf.not_after_text, &leaf.serial].map(ToString::to_string);
        let [fingerprint, subject] =
            [&leaf.fingerprint, &leaf.subject].map(|text| text.as_deref().unwrap_or("-").to_owned());
        vec![[status, until, serial, fingerprint, subject, leaf.names.join(",")]]
    })
}
