from napari_longiseg.io.sample import sample_folder


def test_the_sample_study_is_small_and_sound(check_study):
    folder = sample_folder()
    study, truth = check_study(folder)
    assert len(study["scans"]) == 3
    assert sum(p.stat().st_size for p in folder.iterdir()) < 8e6
    kinds = [lesion["kind"] for lesion in truth["lesions"]]
    assert {"lung", "liver", "node"} <= set(kinds)
    assert any(lesion["growth"][-1] == 0.0 and lesion["merged_into"] is None for lesion in truth["lesions"])
    assert any(lesion["merged_into"] for lesion in truth["lesions"])
