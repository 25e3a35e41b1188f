#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Look at an HTML report in a headless Chromium.

usage: browser.py PAGE CHECK...

Each CHECK is a function of this file, with its arguments after colons. Whatever is
checked, the page must be valid HTML before and after its script has run, load
without a message on the console, and ask for nothing but itself.

A browser that is to be had for nothing cannot start everywhere (a container may
lack what its sandbox needs): root runs it without one.
"""

import json
import os
import sys
import time

import html5lib
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

# Texts whose contrast with what lies behind them is below WCAG's 4.5 (3 if large).
CONTRAST = """
const parse = (text) => { const n = text.match(/[\\d.]+/g).map(Number);
                          return n.length < 4 ? [...n, 1] : n; };
const light = (c) => { const f = (v) => { v /= 255; return v <= 0.03928 ? v / 12.92
    : ((v + 0.055) / 1.055) ** 2.4; };
  return 0.2126 * f(c[0]) + 0.7152 * f(c[1]) + 0.0722 * f(c[2]); };
const bad = [];
for (const element of document.body.querySelectorAll("*:not(svg *):not(script)")) {
  const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
  if (!own || !element.checkVisibility() || element.disabled ||
      element.closest("[disabled]")) continue;
  let behind = null;
  for (let at = element; at && !behind; at = at.parentElement) {
    const color = parse(getComputedStyle(at).backgroundColor);
    if (color[3] === 1) behind = color;
  }
  const style = getComputedStyle(element);
  const a = light(parse(style.color)), b = light(behind || [255, 255, 255]);
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const large = parseFloat(style.fontSize) >= 24 ||
    (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 600);
  if (ratio < (large ? 3 : 4.5))
    bad.push(`${ratio.toFixed(2)} ${element.className}: ${element.textContent.slice(0, 40)}`);
}
return bad;
"""


def start():
    options = Options()
    for argument in ("--headless=new", "--disable-gpu", "--disable-dev-shm-usage",
                     "--window-size=1280,900"):
        options.add_argument(argument)
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")
    options.set_capability("goog:loggingPrefs",
                           {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(service=Service("/usr/bin/chromedriver"),
                            options=options)


class Page:
    def __init__(self, browser, url):
        self.browser = browser
        self.url = url

    def load(self, fragment="#overview"):
        self.browser.get("about:blank")
        self.browser.get(self.url + fragment)

    def run(self, script):
        return self.browser.execute_script(script)

    def all(self, selector):
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector):
        return self.run("return [...document.querySelectorAll(%s)]"
                        ".map((e) => e.textContent).join('\\n')"
                        % json.dumps(selector))

    def until(self, what, condition):
        for _ in range(400):
            value = condition()
            if value:
                return value
            time.sleep(0.025)
        raise AssertionError("did not come to be: " + what)

    def press(self, key):
        self.run("document.activeElement.blur()")
        self.all("body")[0].send_keys(key)

    def media(self, **features):
        kind = features.pop("kind", "")
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "media": kind,
            "features": [{"name": name.replace("_", "-"), "value": value}
                         for name, value in features.items()]})

    def size(self, width, height, mobile):
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1,
            "mobile": mobile})

    def no_message(self):
        messages = self.browser.get_log("browser")
        assert not messages, messages

    def no_request(self):
        for row in self.browser.get_log("performance"):
            message = json.loads(row["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                url = message["params"]["request"]["url"]
                assert url.split("#")[0] == self.url or \
                    url.startswith(("data:", "about:")), url

    def valid(self, html):
        html5lib.HTMLParser(strict=True).parse(html)

    def number(self, index):
        return "return location.hash === '#finding-%d'" % index


def count(page, number):
    """So many findings: said, and reached by scrolling the list."""
    words = page.text("#shown")
    assert words.replace(",", "").startswith(number + " finding"), words
    number = int(number)
    if number == 0:
        assert page.text("#verdict") == "Nothing found"
        assert "Nothing was found" in page.text("#list")
        return
    assert "Nothing" not in page.text("#verdict")
    list_items = "return document.querySelectorAll('#list li').length"
    assert page.run(list_items) <= 200
    page.until("the whole list", lambda: page.run(
        "const l = document.getElementById('list'); l.scrollTop = l.scrollHeight;"
        + list_items) == number)
    # From the first to the one before it is the last.
    page.load("#finding-%d" % number)
    page.until("the last finding is marked", lambda: page.run(
        "const e = document.querySelector('#list [aria-current]');"
        "return e && e.hash === '#finding-%d'" % number))


def filters(page):
    """Search, severities, class, and their reset; and a bar of the coverage."""
    total = len(page.all("#list li"))
    search = page.all("#search")[0]
    name = page.run("return document.querySelector('#class').options[1].value")
    search.send_keys(name)
    page.until("the search", lambda: 0 < len(page.all("#list li")) < total)
    assert set(page.text("#list .name").replace(", error", "")
               .replace(", warning", "").split("\n")) == {name}
    search.send_keys(" surely-not-there")
    page.until("an empty list", lambda: "Nothing passes" in page.text("#list"))
    page.all("#shown button")[0].click()
    page.until("everything again", lambda: len(page.all("#list li")) == total)
    chip = page.all("#severities button")[0]
    chip.click()
    assert chip.get_attribute("aria-pressed") == "false"
    page.until("no errors", lambda: len(page.all("#list .error")) == 0)
    chip.click()
    page.run("const s = document.querySelector('#class'); s.selectedIndex = 1;"
             "s.dispatchEvent(new Event('change'))")
    page.until("one class", lambda: 0 < len(page.all("#list li")) < total)
    page.all("#shown button")[0].click()
    page.run("document.querySelector('.chart a').dispatchEvent("
             "new MouseEvent('click', {cancelable: true}))")
    assert "of %d" % total in page.text("#shown")
    page.all("#shown button")[0].click()


def keyboard(page):
    page.press("j")
    page.until("the first", lambda: page.run(page.number(1)))
    page.press("j")
    page.until("the second", lambda: page.run(page.number(2)))
    page.press("k")
    page.until("the first again", lambda: page.run(page.number(1)))
    page.press(Keys.ENTER)
    assert page.run("return document.activeElement.id === 'detail'")
    page.press("/")
    assert page.run("return document.activeElement.id === 'search'")
    page.all("#search")[0].send_keys("j")
    assert page.run(page.number(1)), "a letter that is typed is no command"
    page.all("#search")[0].send_keys(Keys.ESCAPE)
    assert page.run("return document.getElementById('search').value") == ""
    page.press("?")
    assert page.run("return document.getElementById('help').open")
    page.all("#help button")[0].click()
    page.press("t")
    assert page.run("return document.documentElement.dataset.theme") == "dark"
    page.press("t")
    page.press("o")
    page.until("the overview", lambda: page.all("#verdict"))


def picture(page, number, *fates):
    """The finding has a picture: store A at fault, what is missing, the cut."""
    page.load("#finding-" + number)
    detail = page.text("#detail")
    for word in ("missing", "power cut", "A ✗", *fates):
        assert word in detail, word
    assert page.all(".picture .lane") and page.all(".words .is")
    assert page.all(".source .hit"), "an excerpt of the source"
    rows = page.run("const d = document.querySelector('.events'); d.open = true;"
                    "return d.querySelectorAll('tbody tr').length")
    assert rows >= 3, rows


def says(page, fragment, *words):
    page.load("#" + fragment)
    for word in words:
        assert word in page.text("#detail"), (word, page.text("#detail"))


def hostile(page):
    """Texts are shown as they are, and nothing in them happened."""
    text = "</script><img src=x onerror=hostile=1>"
    shown = {".lead": 0, ".place": 0, ".output": 0, ".diff": 0, ".source": 0,
             ".stack": 0}
    for index in range(len(page.all("#list li"))):
        page.load("#finding-%d" % (index + 1))
        for selector in shown:
            shown[selector] += text in page.text(selector)
        assert page.run("return window.hostile") is None
        assert not page.all("img") and len(page.all("script")) == 2
    assert all(shown.values()), shown
    page.load()
    assert text in page.text(".notes"), "a note"


def readable(page):
    """Enough contrast in both themes, and nothing wider than a phone."""
    for theme in ("light", "dark"):
        page.media(prefers_color_scheme=theme)
        for fragment in ("#overview", "#finding-1"):
            page.load(fragment)
            assert page.run("return document.documentElement.dataset.theme") == theme
            page.run("document.querySelectorAll('details')"
                     ".forEach((d) => { d.open = true; })")
            bad = page.run(CONTRAST)
            assert not bad, (theme, fragment, bad)
    page.size(360, 740, True)
    for fragment in ("#overview", "#finding-1"):
        page.load(fragment)
        wide = page.run("return document.documentElement.scrollWidth")
        assert wide <= 360, (fragment, wide)
    assert not page.all(".side")[0].is_displayed(), "a phone shows the finding"
    page.all(".back")[0].click()
    page.until("the list", lambda: page.all(".side")[0].is_displayed())
    page.size(1280, 900, False)


def paper(page, number):
    """What passes the filter is printed in full, without what one clicks."""
    page.load()
    page.run("window.dispatchEvent(new Event('beforeprint'))")
    page.media(kind="print")
    assert len(page.all("#print article")) == int(number)
    assert page.all("#print .picture svg")[0].is_displayed()
    assert not page.all(".side")[0].is_displayed()
    page.media()
    page.run("window.dispatchEvent(new Event('afterprint'))")
    assert not page.all("#print article")


def opened(page):
    """How long the page takes to show its list, milliseconds; a figure."""
    page.load()
    print("opened in %d ms" % page.run(
        "return performance.getEntriesByType('navigation')[0].loadEventEnd"))


def main():
    path = os.path.abspath(sys.argv[1])
    with open(path, encoding="utf-8") as file:
        html = file.read()
    browser = start()
    try:
        page = Page(browser, "file://" + path)
        page.valid(html)
        for check in sys.argv[2:]:
            name, *arguments = check.split(":")
            page.load()
            page.run("localStorage.clear()")
            page.load()
            page.valid(page.run("return '<!DOCTYPE html>' + "
                                "document.documentElement.outerHTML"))
            globals()[name](page, *arguments)
        page.no_message()
        page.no_request()
    finally:
        browser.quit()


main()
