"""How the certificate looks: one page on A4 and on Letter."""

PAGE = """\
<!DOCTYPE html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Certificate of completion: {{ name }}</title>
<style>
@page { size: auto; margin: 14mm; }
* { box-sizing: border-box; }
body {
  margin: 2rem auto; max-width: 46rem; padding: 2.2rem 2.8rem; border: 3px double #0072b2;
  background: #ffffff; color: #1b1b1b; text-align: center;
  font: 1rem/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
}
h1 { margin: 0; font-size: 1.9rem; color: #00507d; }
.name { margin: 1.4rem 0 .2rem; font-size: 1.8rem; font-weight: 600; overflow-wrap: anywhere; }
.name bdi { border-bottom: 1px solid #8a8a8a; padding: 0 1.5rem; }
table { margin: 1.2rem auto; border-collapse: collapse; font-size: .92rem; text-align: left; }
th, td { padding: .25rem .8rem; border-bottom: 1px solid #c8c8c8; }
th { font-weight: 500; }
thead th { font-weight: 700; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
time { white-space: nowrap; }
.note { margin: 1rem 0 0; font-size: .82rem; color: #454545; text-align: left; }
@media print {
  body { margin: 0; max-width: none; padding: 1.6rem 2rem; font-size: 11pt; break-inside: avoid; }
}
</style>
</head>
<body>
<main>
<h1>Certificate of completion</h1>
<p>Reranking: a hands-on course</p>
<p class="name"><bdi lang="">{{ name }}</bdi></p>
<p>has passed every check of the course’s {{ rows | length }} exercises,
{% if first == last %}
on <time>{{ last }}</time>.</p>
{% else %}
from <time>{{ first }}</time> to <time>{{ last }}</time>.</p>
{% endif %}
<table>
<thead><tr><th scope="col">Exercise</th><th scope="col" class="number">Checks passed</th>
<th scope="col">Completed</th><th scope="col" class="number">Worth, points</th></tr></thead>
<tbody>
{% for row in rows %}
<tr><th scope="row">{{ row.exercise.number }} · {{ row.exercise.title }}</th>
<td class="number">{{ row.exercise.checks | length }}</td><td>{{ row.day }}</td>
<td class="number">{{ "%g" | format(row.exercise.points) }}</td></tr>
{% endfor %}
</tbody>
</table>
<p>Course version {{ version }} · made on {{ made }}</p>
<p class="note"><strong>What this page is.</strong> The learner’s own statement, made on the learner’s own
machine from a file there. The checks ran on that machine with the course’s public data. Nobody watched, and
nothing was sent anywhere: the page proves neither who did the work nor how.
{% if in_words %}
Answers in words are read by no check.
{% endif %}
Points and grades come from a teacher, who runs hidden tests.</p>
</main>
</body>
</html>
"""
