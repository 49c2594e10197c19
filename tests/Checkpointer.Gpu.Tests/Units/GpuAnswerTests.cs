using Checkpointer.Engine.Gpu;

namespace Checkpointer.Gpu.Tests;

public sealed class GpuAnswerTests
{
    [Theory]
    [InlineData("ok call=cuX code=0 name=CUDA_SUCCESS ms=1.5 state=2", "Done")]
    [InlineData("error driver call=cuX code=600 name=CUDA_ERROR_NOT_READY ms=1", "Driver")]
    [InlineData("error gone text=there is no process 5", "Gone")]
    [InlineData("error unsupported verb=lock needs=12080 driver=12040", "Unsupported")]
    [InlineData("error library text=cannot load the CUDA driver: x=y", "Library")]
    [InlineData("error unknown verb=restore why=deadline", "Unknown")]
    [InlineData("error usage text=what", "NotBegun")]
    [InlineData("error", "NotBegun")]
    [InlineData("", "NotBegun")]
    public void Every_kind_of_answer_is_known(string line, string kind) => Assert.Equal(kind, GpuAnswer.Parse(line, []).Kind.ToString());

    [Fact]
    public void Words_and_the_rest_of_a_text_are_read()
    {
        var answer = GpuAnswer.Parse("ok call=cuX code=0 name=CUDA_SUCCESS ms=1.5 state=2", []);
        Assert.Equal((2, 0, TimeSpan.FromMilliseconds(1.5)), (answer.Number("state"), answer.Code, answer.Elapsed));
        Assert.Equal("cannot load: a=b c", GpuAnswer.Parse("error library text=cannot load: a=b c", []).Text);
        Assert.Equal("the driver knows CUDA 12.4, this takes 12.8", GpuAnswer.Parse("error unsupported needs=12080 driver=12040", []).Text);
        Assert.Equal(-1, answer.Number("absent"));
    }

    [Theory]
    [InlineData("GPU-01234567-89ab-cdef-0123-456789abcdef=GPU-01234567-89AB-cdef-0123-456789abcdee", true)]
    [InlineData("GPU-01234567-89ab-cdef-0123-456789abcdef", false)]
    [InlineData("a=b", false)]
    [InlineData("GPU-01234567-89ab-cdef-0123-456789abcdef=GPU-01234567-89ab-cdef-0123-456789abcdeg", false)]
    public void Wishes_are_pairs_of_ids(string text, bool good)
    {
        if (good)
        {
            Assert.Single(GpuWishes.Parse([text]));
            Assert.Equal("gpu-map", Assert.Throws<UsageException>(() => GpuWishes.Parse([text, text])).Code);
        }
        else
        {
            Assert.Equal("gpu-map", Assert.Throws<UsageException>(() => GpuWishes.Parse([text])).Code);
        }
    }
}
