"""Pages hear which files have changed, whoever changed them."""

from __future__ import annotations

from octo.cli.editing.tree import of_text


async def test_a_change_outside_is_told(page, project):
    """An edit, a new file in a new folder, and a removal, each with what the file is now."""
    async with page.events() as event:
        assert (await event())[0] == "resync"
        (project / "flow.yaml").write_text("flows: []\n")
        kind, told, _ = await event()
        assert (kind, told["gone"]) == ("files", [])
        assert told["changed"] == [of_text("flow.yaml", "flows: []\n").as_json()]

        (project / "new").mkdir()
        (project / "new" / "x.md").write_text("1")
        seen = []
        while seen[-1:] != [of_text("new/x.md", "1").as_json()]:
            seen += (await event())[1]["changed"]
        (project / "new" / "x.md").write_text("22")
        while seen[-1:] != [of_text("new/x.md", "22").as_json()]:
            seen += (await event())[1]["changed"]

        (project / "flow.yaml").unlink()
        assert (await event())[1] == {"changed": [], "gone": ["flow.yaml"]}


async def test_a_save_is_told_to_the_other_pages(server, page):
    other = await server.page()
    async with other.events() as event:
        assert (await event())[0] == "resync"
        etag = (await page.ask("GET", "/api/files/flow.yaml")).etag
        saved = await page.ask("PUT", "/api/files/flow.yaml", {"text": "flows: []\n"}, if_match=etag)

        kind, told, _ = await event()
        assert kind == "files"
        assert [each["etag"] for each in told["changed"]] == [saved.json["etag"]]


async def test_a_folder_that_goes_and_comes_back(page, project):
    async with page.events() as event:
        assert (await event())[0] == "resync"
        project.rename(project.with_name("away"))
        kind, told, _ = await event()
        assert (kind, told["isThere"]) == ("folder", False)

        project.with_name("away").rename(project)
        assert (await event())[1] == {"isThere": True, "problem": None}


async def test_a_page_that_was_away_hears_what_it_has_missed(page, project, server):
    async with page.events() as event:
        assert (await event())[0] == "resync"
        (project / "flow.yaml").write_text("flows: []\n")
        _, _, last = await event()
    (project / "other.yaml").write_text("flows: []\n")

    async with page.events(last_event_id=last) as event:
        assert [each["path"] for each in (await event())[1]["changed"]] == ["other.yaml"]
