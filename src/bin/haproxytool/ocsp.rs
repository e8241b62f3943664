use std::fs;

use haproxyadmin::Outcomes;
use haproxyadmin::certificate::{ListedOcspResponse, OcspId, OcspResponse, OcspUpdate};

use crate::Views;
use crate::call::Call;
use crate::problem::Problem;
use crate::report::Report;

pub(crate) async fn run(call: &Call, views: &Views) -> Result<Report, Problem> {
    match (call.action, call.argument()) {
        ("list", _) => list(views).await,
        ("show", Some(word)) => Ok(show(&match word.parse::<OcspId>() {
            Ok(id) => views.read.ocsp_response(&id).await?,
            Err(_) => views.read.certificate(word)?.ocsp_response().await?,
        })),
        ("set", Some(path)) => {
            let response = fs::read(path).map_err(|error| Problem::File(path.to_owned(), error))?;
            Ok(Report::changes(vec![views.write.set_ocsp_response(&response).await?]))
        }
        ("update", Some(name)) => {
            Ok(Report::changes(vec![views.write.certificate(name)?.update_ocsp_response().await?]))
        }
        _ => updates(views).await,
    }
}

async fn list(views: &Views) -> Result<Report, Problem> {
    let lists = views.read.ocsp_responses().await?;
    Ok(Report::of_each(["SERIAL", "ID", "CERTIFICATE"], &lists, |responses| {
        let row = |one: &ListedOcspResponse| {
            let certificate = one.certificate.as_deref().unwrap_or("-");
            [&one.subject.serial, one.id.as_str(), certificate].map(String::from)
        };
        responses.iter().map(row).collect()
    }))
}

fn show(shown: &Outcomes<OcspResponse>) -> Report {
    let head = ["STATUS", "SERIAL", "SINCE", "UNTIL", "REVOKED", "RESPONDER"];
    Report::of_each(head, shown, |response| {
        let OcspResponse { status, subject, this_update_text, next_update_text, .. } = response;
        let revoked = response.revoked_at_text.as_deref().unwrap_or("-");
        let (status, serial, responder) = (status.as_str(), &subject.serial, &response.responder);
        vec![[status, serial, this_update_text, next_update_text, revoked, responder].map(String::from)]
    })
}

async fn updates(views: &Views) -> Result<Report, Problem> {
    let lists = views.read.ocsp_updates().await?;
    let head = ["NEXT", "LAST", "SUCCESSES", "FAILURES", "RESULT", "CERTIFICATE"];
    Ok(Report::of_each(head, &lists, |updates| {
        let row = |one: &OcspUpdate| {
            let last = one.last_update_text.as_deref().unwrap_or("-");
            let [successes, failures] = [one.successes, one.failures].map(|count| count.to_string());
            let (next, result) = (&one.next_update_text, &one.last_result_text);
            [next, last, &successes, &failures, result, &one.certificate].map(String::from)
        };
        updates.iter().map(row).collect()
    }))
}
