"""What is seen as one file: it opens offline, shows the same, and does nothing."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Served, Watched


def saved(page: Page, folder: Path) -> Path:
    page.get_by_role("button", name="Theme and keys").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save this view as a file").click()
    target = folder / download.value.suggested_filename
    download.value.save_as(target)
    return target


def test_a_view_is_saved_as_it_is_seen(watched: Watched, served: Served, browser: Browser, tmp_path: Path) -> None:
    page = watched.open(f"/viewer?run={served.run_id}&case=spleen_2&step=1&layout=axial&theme=light")
    page.locator("[data-testid=viewer][data-state=ready]").wait_for()
    page.locator("[data-drawn]").wait_for()
    viewer = saved(page, tmp_path).rename(tmp_path / "viewer.html")
    page.get_by_role("radio", name="3D", exact=True).click()
    page.locator("[data-testid=solid][data-state=ready]").wait_for()
    # The browser has shown it by now, after which a drawing is gone unless it was asked to keep it.
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    solid = saved(page, tmp_path).rename(tmp_path / "solid.html")
    page.goto(f"{watched.url}/cases?run={served.run_id}")
    page.get_by_label("Filter cases").fill("spleen_1")
    rows = page.get_by_test_id("cases").locator("[data-case]")
    expect(rows).to_have_count(2)
    cases = saved(page, tmp_path)
    assert viewer.name != cases.name

    alone = browser.new_context(offline=True, viewport={"width": 1280, "height": 800})
    asked: list[str] = []
    try:
        opened = alone.new_page()
        opened.on("request", lambda request: asked.append(request.url))
        opened.goto(viewer.as_uri())
        picture = opened.locator("[data-testid=plane-axial] img")
        expect(picture).to_be_visible()
        assert picture.evaluate("image => image.naturalWidth") > 300
        expect(opened.get_by_test_id("dice").first).to_be_visible()
        expect(opened.locator("html")).to_have_attribute("data-theme", "light")
        expect(opened.locator("footer.saved")).to_contain_text(f"/viewer?run={served.run_id}")
        opened.goto(solid.as_uri())
        brightest = """(image) => {
            const canvas = document.createElement('canvas');
            [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
            const context = canvas.getContext('2d');
            context.drawImage(image, 0, 0);
            const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
            let most = 0;
            for (let i = 0; i < data.length; i += 4) most = Math.max(most, data[i], data[i + 1], data[i + 2]);
            return most;
        }"""
        assert opened.locator(".whole img").evaluate(brightest) > 60, "3D is not left black"
        opened.goto(cases.as_uri())
        expect(opened.locator("[data-case]")).to_have_count(2)
        expect(opened.get_by_label("Filter cases")).to_have_value("spleen_1")
        assert opened.locator("script, link, a[href], [onclick]").count() == 0
    finally:
        alone.close()
    assert all(url.startswith(("file:", "data:")) for url in asked)
