"""What students do on the hub with a browser."""

from playwright.sync_api import expect

from tests.browser.pages import (
    ALL_HAVE_RUN_OR_ONE_FAILED,
    MILLISECONDS,
    TRACEBACK,
    choose,
    code_cell,
    run_cell,
    wait_until_idle,
)
from tests.support.browser import ARTEFACTS, LAPTOP

COURSE = "reranking-course"


class Student:
    """One browser of one student."""

    def __init__(self, chromium, address, name, password):
        self.address, self.name, self.password = address, name, password
        context = chromium.new_context(viewport=LAPTOP, permissions=["clipboard-read", "clipboard-write"])
        self.page = context.new_page()
        self.page.set_default_timeout(MILLISECONDS)
        expect.set_options(timeout=MILLISECONDS)

    def come(self, path):
        """Follow a link to the hub, log in there, and come to where it leads."""
        self.page.goto(self.address + path)
        self.page.get_by_label("Username").fill(self.name)
        self.page.get_by_label("Password").fill(self.password)
        self.page.get_by_role("button", name="Sign in").click()

    def open(self, path):
        """Open a file of the course in JupyterLab."""
        self.page.goto(f"{self.address}/user/{self.name}/lab/tree/{COURSE}/{path}")
        self.page.wait_for_selector(".jp-NotebookPanel .jp-RenderedMarkdown h1")

    def sees_the_lesson(self, title):
        """The lesson that was opened, pulled and drawn."""
        self.page.wait_for_url(f"**/user/{self.name}/lab/**/{COURSE}/notebooks/*")
        expect(self.page.locator(".jp-Notebook h1").first).to_contain_text(title)

    def start_lesson(self):
        """Run all of what is open; ``finish_lesson`` waits for it."""
        wait_until_idle(self.page)
        choose(self.page, "Edit", "Clear Outputs of All Cells")
        choose(self.page, "Run", "Run All Cells")

    def finish_lesson(self):
        self.page.wait_for_function(ALL_HAVE_RUN_OR_ONE_FAILED, arg=TRACEBACK)
        failed = self.page.locator(".jp-OutputArea-output", has_text=TRACEBACK)
        assert not failed.count(), failed.first.inner_text()

    def answer(self, part, text, check, says):
        """Paste an answer over the cell that holds ``part``, run it, run its check, and read that."""
        answer, check = code_cell(self.page, part), code_cell(self.page, check)
        self.page.evaluate("text => navigator.clipboard.writeText(text)", text)
        answer.locator(".cm-content").click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.press("Control+V")
        run_cell(self.page, answer)
        run_cell(self.page, check)
        expect(check.locator(".jp-OutputArea")).to_contain_text(says)

    def save(self):
        self.page.keyboard.press("Control+S")

    def assignments(self):
        """nbgrader's list, opened anew, when the list of files has come to rest beside it."""
        self.page.goto(f"{self.address}/user/{self.name}/lab/tree/{COURSE}?reset")
        self.page.locator(".jp-DirListing-item", has_text="notebooks").wait_for()
        choose(self.page, "Nbgrader", "Assignment List")

    def fetch(self):
        self.assignments()
        self.page.locator("#released_assignments_list").get_by_role("button", name="Fetch").click()
        expect(self.page.locator("#fetched_assignments_list")).to_contain_text("exercises")

    def submit(self):
        self.assignments()
        self.page.locator("#fetched_assignments_list").get_by_role("button", name="Submit").click()
        expect(self.page.locator("#submitted_assignments_list .nested_list_item")).to_have_count(1)

    def read_feedback(self, file, says):
        """Fetch the page that the teacher returned and open it in JupyterLab; its text."""
        self.assignments()
        given = self.page.locator("#submitted_assignments_list")
        given.get_by_role("button", name="Fetch Feedback").click()
        given.get_by_text("(view feedback)").click()
        self.page.locator(".jp-DirListing-item", has_text=file).dblclick()
        text = self.page.frame_locator(".jp-HTMLViewer iframe").locator("body")
        expect(text).to_contain_text(says)
        (ARTEFACTS / "browser").mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=ARTEFACTS / "browser" / f"hub-feedback-{self.name}.png")
        return text.inner_text()
