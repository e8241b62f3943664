use std::fs;

use haproxyadmin::Outcomes;
use haproxyadmin::certificate::CertificateDetails;
use serde_json::{Map, Value};

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
    let mut rows = vec![["PROCESS", "PENDING", "NAME"].map(String::from).to_vec()];
    let mut json = Map::new();
    for (label, certificates) in lists.values() {
        for certificate in certificates {
            let pending = if certificate.is_pending { "yes" } else { "-" };
            rows.push(vec![label.to_string(), pending.into(), certificate.name.to_string()]);
        }
        json.insert(label.to_string(), serde_json::to_value(certificates).unwrap_or_default());
    }
    Ok(Report::rows(&rows, Value::Object(json)).asked(&lists))
}

fn show(shown: &Outcomes<CertificateDetails>) -> Report {
    let head = ["PROCESS", "STATUS", "UNTIL", "SERIAL", "FINGERPRINT", "SUBJECT", "NAMES"];
    let mut rows = vec![head.map(String::from).to_vec()];
    let mut json = Map::new();
    for (label, details) in shown.values() {
        let mut row = vec![label.to_string(), details.status.to_string()];
        match &details.leaf {
            Some(leaf) => {
                row.extend([&leaf.not_after_text, &leaf.serial].map(ToString::to_string));
                let texts = [&leaf.fingerprint, &leaf.subject].map(Option::as_deref);
                row.extend(texts.map(|text| text.unwrap_or("-").to_owned()));
                row.push(leaf.names.join(","));
            }
            None => row.extend(["-"; 5].map(String::from)),
        }
        rows.push(row);
        json.insert(label.to_string(), serde_json::to_value(details).unwrap_or_default());
    }
    Report::rows(&rows, Value::Object(json)).asked(shown)
}
