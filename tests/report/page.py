"""Read a report as a browser would."""

from html.parser import HTMLParser


class Page(HTMLParser):
    """Tags, sources and text of a page."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.text, self.hidden = [], "", 0
        self.feed(path.read_text(encoding="utf-8"))
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.hidden += tag in ("style", "title")

    def handle_endtag(self, tag):
        self.hidden -= tag in ("style", "title")

    def handle_data(self, data):
        if not self.hidden:
            self.text += " " + " ".join(data.split())

    def all(self, tag, attribute):
        return [attrs[attribute] for name, attrs in self.tags if name == tag and attribute in attrs]
