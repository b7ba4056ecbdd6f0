"""The words of alerts in each language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ecom_pipeline.delivery import AlertCheck, AlertRun, AlertSignal, AlertWords
from ecom_pipeline.insights.watch import Watched
from ecom_pipeline.kpis.definition import Kpi
from ecom_pipeline.reports.formats import Formats

MOST_LINES = 12
_WORDS = {
    "en": {
        "daily": "{shop}: {day} in figures",
        "figure": "{name}: {value} over seven days",
        "before": ", {before} before",
        "missing": "{name}: not measured",
        "one_signal": "{shop}: one signal on {day}",
        "signals": "{shop}: {count} signals on {day}",
        "unusual": "{name}: {value} over seven days, usually not beyond {limit}",
        "limit": "{name}: {value} over seven days, the limit is {limit}",
        "target": "{name}: {value} over seven days, the target is {limit}",
        "freshness": "{shop}: data of {day} is missing",
        "failures": "{shop}: checks not passed on {day}",
        "run": "{shop}: the run {job} failed",
        "check": "{asset}: {check}",
        "step": "failed: {step}",
        "partition": "for {partition}",
        "run_id": "run {run_id}",
        "more": "and {count} more",
    },
    "fr": {
        "daily": "{shop} : le {day} en chiffres",
        "figure": "{name} : {value} sur sept jours",
        "before": ", {before} auparavant",
        "missing": "{name} : non mesuré",
        "one_signal": "{shop} : un signal le {day}",
        "signals": "{shop} : {count} signaux le {day}",
        "unusual": "{name} : {value} sur sept jours, d’ordinaire pas au-delà de {limit}",
        "limit": "{name} : {value} sur sept jours, la limite est {limit}",
        "target": "{name} : {value} sur sept jours, l’objectif est {limit}",
        "freshness": "{shop} : des données du {day} manquent",
        "failures": "{shop} : contrôles non réussis le {day}",
        "run": "{shop} : l’exécution {job} a échoué",
        "check": "{asset} : {check}",
        "step": "échec : {step}",
        "partition": "pour {partition}",
        "run_id": "exécution {run_id}",
        "more": "et {count} de plus",
    },
}


class Wording:
    """Writes the alerts of one shop in one language."""

    def __init__(self, shop: str, formats: Formats, kpis: Mapping[str, Kpi]) -> None:
        self._shop = shop
        self._formats = formats
        self._kpis = kpis
        self._words = _WORDS[formats.language]

    def daily(self, day: str, figures: Sequence[Watched]) -> AlertWords:
        return self._alert("daily", [self._figure(one) for one in figures], day=day)

    def signals(self, day: str, signals: Sequence[AlertSignal]) -> AlertWords:
        title = "one_signal" if len(signals) == 1 else "signals"
        return self._alert(title, [self._signal(one) for one in signals], day=day, count=len(signals))

    def checks(self, kind: str, day: str, checks: Sequence[AlertCheck]) -> AlertWords:
        lines = [self._words["check"].format(asset=one.asset, check=one.check) for one in checks]
        return self._alert(kind, lines, day=day)

    def run(self, run: AlertRun) -> AlertWords:
        lines = [self._words["partition"].format(partition=run.partition)] if run.partition else []
        lines += [self._words["step"].format(step=step) for step in run.failed_steps]
        return self._alert("run", [self._words["run_id"].format(run_id=run.run_id), *lines], job=run.job)

    def _alert(self, title: str, lines: list[str], **values: object) -> AlertWords:
        if len(lines) > MOST_LINES:
            more = self._words["more"].format(count=len(lines) - MOST_LINES + 1)
            lines = [*lines[: MOST_LINES - 1], more]
        # A shop's name is free text, and a title becomes a header.
        written = " ".join(self._words[title].format(shop=self._shop, **values).split())
        return AlertWords(title=written, lines=tuple(lines))

    def _figure(self, one: Watched) -> str:
        kpi = self._kpis[one.kpi]
        name = self._name(kpi)
        if one.week_value is None:
            return self._words["missing"].format(name=name)
        line = self._words["figure"].format(name=name, value=self._formats.value(kpi, one.week_value))
        if one.week_before is not None:
            line += self._words["before"].format(before=self._formats.value(kpi, one.week_before))
        return line

    def _signal(self, one: AlertSignal) -> str:
        kpi = self._kpis[one.kpi]
        value = self._formats.value(kpi, one.value)
        limit = (
            self._formats.value(kpi, one.limit)
            if one.cause == "unusual"
            else self._formats.limit(kpi, one.limit)
        )
        return self._words[one.cause].format(name=self._name(kpi), value=value, limit=limit)

    def _name(self, kpi: Kpi) -> str:
        return kpi.name.in_language(self._formats.language)
