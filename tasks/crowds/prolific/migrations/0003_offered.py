from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("prolific", "0002_screen_outs")]

    operations = [
        migrations.AddField(
            model_name="study",
            name="sessions",
            field=models.PositiveIntegerField(
                default=0,
                help_text="How many may have begun by it in all, if its places are taken.",
            ),
        ),
        migrations.AlterField(
            model_name="study",
            name="state",
            field=models.CharField(
                blank=True,
                default="",
                help_text='As Prolific last said; "": it may be changing.',
                max_length=20,
            ),
        ),
    ]
