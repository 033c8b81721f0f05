"""A class of thirty, and what learning platforms make of what it hands in. All people are invented."""

import io
import zipfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta

NAMES = """\
Ana Limabrook|Bo Quill|Zoë Ødegårdsen|Niamh O'Brannock|Jean-Paul de la Fontanelle|Øyvind Nybråten
Łucja Wronkowa|Ama Serwaah-Boadu|Kim Larkspur|Kim Larkspur|Tiber Mossgrove|Ilse van der Wieren
Mei-Lin Tanaroa|José Ñandubay|Renée Corbeaux|Håkon Fjellrev|Priya Sundaraval|Omar al-Qamari
Çelik Denizoğlu|Sofía Ríoseco|Björn Steinvik|Aoife Nic Ghabhann-Rua|Lê Thanh Vân|Pål Askeladd
Anouk Dubosque|Tomáš Javorník|Eleni Papathalassa|Wren Hollowell|Idris Bramblethorn|Vera Last""".replace(
    "\n", "|"
).split("|")
START = datetime(2026, 11, 1, 10, 0, 0)


@dataclass
class Pupil:
    """One of the class, under all names and numbers that platforms use."""

    number: int
    name: str
    files: dict[str, bytes] = field(default_factory=dict)  # what is handed in, by the name it has at home
    late: bool = False

    @property
    def first(self):
        return self.name.split()[0]

    @property
    def last(self):
        return self.name.partition(" ")[2]

    @property
    def login(self):
        letters = "".join(c for c in self.name.casefold() if c.isascii() and c.isalpha())
        return f"{letters[:6]}_{self.number}" if self.number % 3 == 0 else f"{letters[:6]}{self.number}"

    @property
    def email(self):
        return f"{self.login}@school.example"

    @property
    def canvas_id(self):
        return 4000 + self.number

    @property
    def canvas_name(self):
        """As lib/content_zipper.rb writes it: the sortable name in lower case, letters only."""
        return "".join(c for c in f"{self.last}, {self.first}".lower() if c.isalnum() or c == "_")


def make_class(size=30):
    return [Pupil(number, name) for number, name in enumerate(NAMES[:size], start=1)]


def canvas_roster(pupils):
    """As Canvas exports its gradebook."""
    lines = [
        "Student,ID,SIS User ID,SIS Login ID,Section,Homework (77)",
        "    Points Possible,,,,,10",
        *(f'"{p.last}, {p.first}",{p.canvas_id},S{p.number:05},{p.login},Section A,' for p in pupils),
        '"Student, Test",9999,,,Section A,',
    ]
    return "\ufeff" + "\n".join(lines) + "\n"


def moodle_roster(pupils):
    """As Moodle exports its participants, by a spreadsheet that likes semicolons."""
    lines = ["First name;Last name;Username;ID number;Email address;Groups"]
    lines += [f"{p.first};{p.last};{p.login};M{p.number:05};{p.email};A" for p in pupils]
    return "\ufeff" + "\r\n".join(lines) + "\r\n"


def plain_roster(pupils):
    return "name,e-mail\n" + "".join(f"{p.name},{p.email}\n" for p in pupils)


def _write(folder, name, content):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def canvas(folder, pupils):
    for p in pupils:
        late = "LATE_" if p.late else ""
        for number, (name, content) in enumerate(p.files.items()):
            _write(
                folder,
                f"{p.canvas_name}_{late}{p.canvas_id}_{90000 + 10 * p.number + number}_{name}",
                content,
            )


def moodle(folder, pupils, flat=False, ending="_"):
    for p in pupils:
        for name, content in p.files.items():
            start = f"{p.name}_{7000 + p.number}_assignsubmission_file"
            _write(folder, f"{start}_{name}" if flat else f"{start}{ending}/{name}", content)


def moodle_flat(folder, pupils):
    moodle(folder, pupils, flat=True)


def moodle_4_1(folder, pupils):
    moodle(folder, pupils, ending="")


def blackboard(folder, pupils, assignment="Homework_1"):
    for p in pupils:
        for number, (name, content) in enumerate(p.files.items()):
            when = START + timedelta(hours=number)
            start = f"{assignment}_{p.login}_attempt_{when:%Y-%m-%d-%H-%M-%S}"
            _write(folder, f"{start}_{name}", content)
            facts = f"Name: {p.name} ({p.login})\nAssignment: {assignment}\nDate Submitted: {when:%c}\n"
            _write(folder, f"{start}.txt", (facts + f"\nFiles:\n\tOriginal filename: {name}\n").encode())


def google(folder, pupils):
    for p in pupils:
        for name, content in p.files.items():
            _write(folder, f"drive-download-20261101T100000Z-001/{_once(p)}/{name}", content)


def github(folder, pupils):
    for p in (p for p in pupils if p.files):
        repository = f"homework-submissions/homework-{p.login.replace('_', '-')}"
        _write(folder, f"{repository}/.git/HEAD", b"ref: refs/heads/main\n")
        _write(folder, f"{repository}/README.md", b"# Homework\n")
        for name, content in p.files.items():
            _write(folder, f"{repository}/exercises/{name}", content)


def exchange(folder, pupils, assignment="homework"):
    for p in pupils:
        for number, (name, content) in enumerate(p.files.items()):
            when = START + timedelta(hours=number)
            at = f"{p.login}+{assignment}+{when:%Y-%m-%d %H:%M:%S.%f} UTC+r4nd0m"
            _write(folder, f"{at}/{name}", content)
            _write(folder, f"{at}/timestamp.txt", f"{when} UTC".encode())


def submitted(folder, pupils, assignment="homework"):
    for p in pupils:
        for name, content in p.files.items():
            _write(folder, f"submitted/{p.login}/{assignment}/{name}", content)


def folders(folder, pupils):
    for p in pupils:
        for name, content in p.files.items():
            _write(folder, f"{_once(p)}/{name}", content)


def flat(folder, pupils):
    for p in pupils:
        for name, content in p.files.items():
            _write(folder, f"{_once(p)}__{name}", content)


def zips(folder, pupils):
    for p in (p for p in pupils if p.files):
        _write(folder, f"{_once(p)}.zip", zipped({f"my work/{name}": text for name, text in p.files.items()}))


def zips_in_folders(folder, pupils):
    for p in (p for p in pupils if p.files):
        _write(folder, f"{_once(p)}/upload.zip", zipped(p.files))


def one_zip(folder, pupils):
    everything = {f"submissions/{_once(p)}/{name}": text for p in pupils for name, text in p.files.items()}
    _write(folder, "submissions.zip", zipped(everything))


def one_zip_of_canvas(folder, pupils):
    scratch = folder.parent / "scratch-of-canvas"
    scratch.mkdir(parents=True, exist_ok=True)
    canvas(scratch, pupils)
    _write(
        folder, "course-homework submissions.zip", zipped({p.name: p.read_bytes() for p in scratch.iterdir()})
    )


def _once(pupil):
    """Two people of one name cannot have two folders of that name."""
    return pupil.name if NAMES.count(pupil.name) == 1 else f"{pupil.name} {pupil.number}"


def zipped(files):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


PLATFORMS = (
    canvas,
    moodle,
    moodle_flat,
    moodle_4_1,
    blackboard,
    google,
    github,
    exchange,
    submitted,
    folders,
    flat,
    zips,
    zips_in_folders,
    one_zip,
    one_zip_of_canvas,
)
